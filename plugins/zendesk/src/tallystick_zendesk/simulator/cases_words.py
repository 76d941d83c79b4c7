"""What people write in the story: each text is clearly thanks, clearly a greeting, or clearly neither."""

from __future__ import annotations

__all__ = ["ANSWERS", "GREETINGS", "QUESTIONS", "REPLIES", "THANKS"]

QUESTIONS = (
    "How do I change the billing address on our account?",
    "My invoice for September shows the wrong VAT number. Where can I correct it?",
    "The export stops at 50 percent and shows error 1042.",
    "We cannot invite a new colleague, the button stays grey.",
    "Wie kann ich mein Passwort zurücksetzen?",
    "Die Rechnung ist doppelt in unserem Portal, was sollen wir tun?",
    "Which plan includes the audit log?",
    "Comment puis-je télécharger mes factures?",
    "The webhook is not called since this morning.",
    "Is there a way to move a project to another workspace?",
)
ANSWERS = (
    "You can change this under Settings, Billing, Company details. The next invoice will show the new address.",
    "Please open Account, Invoices and choose Correct. A new document is created within five minutes.",
    "Error 1042 means that the file is larger than 2 GB. Split the export by year and start it again.",
    "The button is grey while all seats are in use. Free a seat or add one under Settings, Seats.",
    "Bitte klicken Sie auf der Anmeldeseite auf Passwort vergessen und folgen Sie dem Link in der E-Mail.",
    "The audit log is part of the Business plan. You can switch plans under Settings, Plan.",
    "Open the project, choose Move in the menu and pick the workspace. Members keep their roles.",
)
REPLIES = (
    "I had a look at your account and corrected the entry by hand.",
    "This needs a change on our side, which I have just made for you.",
    "I checked with our billing team: the second invoice was cancelled today.",
    "Ich habe das bei uns nachgesehen und den Eintrag korrigiert.",
)
THANKS = ("Thanks, that worked!", "Danke, hat geklappt", "Merci beaucoup", "Thank you very much!", "Muchas gracias")
GREETINGS = ("Hi there", "Hello!", "Hallo")
