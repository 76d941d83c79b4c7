"""Sales: accounts, contacts, leads, opportunities, and the histories of their fields."""

from __future__ import annotations

from tallystick_salesforce.simulator.shapes import Shape, declared

__all__ = ["SALES_SHAPES", "history_shape"]

_AUDIT = """
    boolean IsDeleted
    datetime CreatedDate LastModifiedDate SystemModstamp
    reference CreatedById>User LastModifiedById>User
"""
_SEEN = "datetime LastViewedDate LastReferencedDate"


def _address(kind: str) -> str:
    return f"""
    textarea {kind}Street
    string {kind}City {kind}State {kind}PostalCode {kind}Country
    double {kind}Latitude {kind}Longitude
    picklist {kind}GeocodeAccuracy
    address {kind}Address
    """


_ACCOUNT = f"""
    reference MasterRecordId>Account ParentId>Account OwnerId>User DandbCompanyId>DandBCompany
    reference OperatingHoursId>OperatingHours
    string Name AccountNumber Sic TickerSymbol Site Jigsaw JigsawCompanyId DunsNumber Tradestyle NaicsCode NaicsDesc
    string YearStarted SicDesc
    string! ChannelProgramName ChannelProgramLevelName
    picklist Type Industry Ownership Rating CleanStatus AccountSource
    {_address("Billing")}
    {_address("Shipping")}
    phone Phone Fax
    url Website PhotoUrl
    currency AnnualRevenue
    int NumberOfEmployees
    textarea! Description
    date LastActivityDate
    boolean IsPartner IsCustomerPortal
    {_SEEN}
    {_AUDIT}
"""

_CONTACT = f"""
    reference MasterRecordId>Contact AccountId>Account ReportsToId>Contact OwnerId>User IndividualId>Individual
    string LastName FirstName Name Title Department AssistantName Jigsaw JigsawContactId EmailBouncedReason
    picklist Salutation LeadSource CleanStatus
    {_address("Other")}
    {_address("Mailing")}
    phone Phone Fax MobilePhone HomePhone OtherPhone AssistantPhone
    email Email
    url PhotoUrl
    date Birthdate LastActivityDate
    datetime LastCURequestDate LastCUUpdateDate EmailBouncedDate
    boolean IsEmailBounced
    textarea! Description
    {_SEEN}
    {_AUDIT}
"""

_LEAD = f"""
    reference MasterRecordId>Lead OwnerId>Group|User DandbCompanyId>DandBCompany IndividualId>Individual
    reference ConvertedAccountId>Account ConvertedContactId>Contact ConvertedOpportunityId>Opportunity
    string LastName FirstName Name Title Company Jigsaw JigsawContactId CompanyDunsNumber EmailBouncedReason
    picklist Salutation LeadSource Status Industry Rating CleanStatus
    {_address("")}
    phone Phone MobilePhone Fax
    email Email
    url Website PhotoUrl
    currency AnnualRevenue
    int NumberOfEmployees
    boolean IsConverted IsUnreadByOwner
    date ConvertedDate LastActivityDate
    datetime EmailBouncedDate
    textarea! Description
    {_SEEN}
    {_AUDIT}
"""

_OPPORTUNITY = f"""
    reference AccountId>Account CampaignId>Campaign Pricebook2Id>Pricebook2 OwnerId>User
    reference ContactId>>Contact
    reference LastAmountChangedHistoryId>OpportunityHistory LastCloseDateChangedHistoryId>OpportunityHistory
    boolean IsPrivate IsClosed IsWon HasOpportunityLineItem
    boolean! HasOpenActivity HasOverdueTask
    string Name NextStep Fiscal
    picklist StageName Type LeadSource ForecastCategory ForecastCategoryName
    currency Amount ExpectedRevenue
    percent Probability
    double TotalOpportunityQuantity
    date CloseDate LastActivityDate
    datetime LastStageChangeDate
    int FiscalQuarter FiscalYear
    textarea! Description
    {_SEEN}
    {_AUDIT}
"""

_OPPORTUNITY_HISTORY = """
    reference OpportunityId>Opportunity CreatedById>User
    picklist StageName ForecastCategory
    currency Amount ExpectedRevenue
    percent Probability
    date CloseDate
    @50 currency PrevAmount
    @50 date PrevCloseDate
    datetime CreatedDate SystemModstamp
    boolean IsDeleted
"""

_CONTACT_ROLE = f"""
    reference OpportunityId>Opportunity ContactId>Contact
    picklist Role
    boolean IsPrimary
    {_AUDIT}
"""

_STAGE = """
    string MasterLabel ApiName Description
    boolean IsActive IsClosed IsWon
    int SortOrder
    picklist ForecastCategory ForecastCategoryName
    percent DefaultProbability
    datetime CreatedDate LastModifiedDate SystemModstamp
    reference CreatedById>User LastModifiedById>User
"""


def history_shape(name: str, parent: str) -> Shape:
    """Give the history of an object's tracked fields: old and new values cannot be filtered by."""
    return declared(
        name,
        "017",
        f"""
        reference {parent}Id>{parent} CreatedById>User
        datetime CreatedDate
        picklist Field DataType
        anyType! OldValue NewValue
        boolean IsDeleted
        """,
    )


SALES_SHAPES = (
    declared("Account", "001", _ACCOUNT),
    declared("Contact", "003", _CONTACT),
    declared("Lead", "00Q", _LEAD),
    declared("Opportunity", "006", _OPPORTUNITY),
    declared("OpportunityHistory", "008", _OPPORTUNITY_HISTORY),
    declared("OpportunityContactRole", "00K", _CONTACT_ROLE),
    declared("OpportunityStage", "01J", _STAGE),
    history_shape("OpportunityFieldHistory", "Opportunity"),
    history_shape("AccountHistory", "Account"),
    history_shape("ContactHistory", "Contact"),
    history_shape("LeadHistory", "Lead"),
)
