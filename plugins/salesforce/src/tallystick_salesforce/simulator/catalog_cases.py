"""Cases, their histories, messaging, mail and comments."""

from __future__ import annotations

from tallystick_salesforce.simulator.catalog_sales import history_shape
from tallystick_salesforce.simulator.shapes import declared

__all__ = ["CASE_SHAPES"]

_AUDIT = """
    boolean IsDeleted
    datetime CreatedDate LastModifiedDate SystemModstamp
    reference CreatedById>User LastModifiedById>User
"""

_CASE = f"""
    reference MasterRecordId>Case ContactId>Contact AccountId>Account AssetId>Asset ParentId>Case OwnerId>Group|User
    string CaseNumber SuppliedName SuppliedPhone SuppliedCompany Subject
    email SuppliedEmail ContactEmail
    picklist Type Status Reason Origin Priority
    phone ContactPhone ContactMobile ContactFax
    boolean IsClosed IsEscalated
    datetime ClosedDate LastViewedDate LastReferencedDate
    textarea! Description Comments
    {_AUDIT}
"""

# An always-on trail of owner and status: one row per state, with the instant of the state before it.
_CASE_HISTORY_2 = """
    reference CaseId>Case OwnerId>Group|User LastModifiedById>User
    string Status
    datetime PreviousUpdate LastModifiedDate SystemModstamp
    boolean IsDeleted
"""

_CASE_STATUS = """
    string MasterLabel ApiName
    boolean IsClosed IsDefault
    int SortOrder
    datetime CreatedDate LastModifiedDate SystemModstamp
    reference CreatedById>User LastModifiedById>User
"""

_MESSAGING_SESSION = f"""
    string Name ChannelName ChannelKey ChannelGroup ChannelIntent ChannelLocale
    reference CaseId>Case OwnerId>Group|User ConversationId>>Conversation LeadId>Lead OpportunityId>Opportunity
    reference EndUserAccountId>Account EndUserContactId>Contact
    picklist AgentType ChannelType EndedByType Status Origin SessionKey
    datetime StartTime AcceptTime EndTime
    int! AgentMessageCount EndUserMessageCount
    {_AUDIT}
"""

_CONVERSATION_ENTRY = f"""
    reference ConversationId>MessagingSession|VoiceCall ActorId>MessagingEndUser|User
    string ActorName MessageIdentifier
    picklist ActorType EntryType MessageStatus
    datetime EntryTime EntryEndTime ClientTimestamp
    int ClientDuration
    boolean HasAttachments
    textarea! Message
    {_AUDIT}
"""

_EMAIL_MESSAGE = f"""
    reference ParentId>Case ActivityId>Task RelatedToId>Account|Case|Opportunity ReplyToEmailMessageId>EmailMessage
    string Subject FromName MessageIdentifier ThreadIdentifier
    string! ToAddress CcAddress BccAddress
    email FromAddress
    picklist Status
    boolean Incoming HasAttachment IsExternallyVisible IsClientManaged IsBounced
    datetime MessageDate
    textarea! TextBody HtmlBody Headers
    {_AUDIT}
"""

_CASE_COMMENT = f"""
    reference ParentId>Case
    boolean IsPublished
    textarea! CommentBody
    {_AUDIT}
"""

CASE_SHAPES = (
    declared("Case", "500", _CASE),
    history_shape("CaseHistory", "Case"),
    declared("CaseHistory2", "08A", _CASE_HISTORY_2, since=59),
    declared("CaseStatus", "01X", _CASE_STATUS),
    declared("MessagingSession", "0Mw", _MESSAGING_SESSION, since=47),
    declared("ConversationEntry", "0dG", _CONVERSATION_ENTRY, since=43),
    declared("EmailMessage", "02s", _EMAIL_MESSAGE),
    declared("CaseComment", "00a", _CASE_COMMENT),
)
