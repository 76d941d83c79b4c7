"""Users, their roles and profiles, queues, sign-ins, the organisation, and what describes fields by rows."""

from __future__ import annotations

from tallystick_salesforce.simulator.shapes import declared

__all__ = ["PEOPLE_SHAPES"]

_AUDIT = """
    datetime CreatedDate LastModifiedDate SystemModstamp
    reference CreatedById>User LastModifiedById>User
"""

_USER = f"""
    string Username LastName FirstName Name CompanyName Division Department Title Alias EmployeeNumber
    string FederationIdentifier
    email Email
    phone Phone MobilePhone
    boolean IsActive
    picklist UserType TimeZoneSidKey LocaleSidKey LanguageLocaleKey EmailEncodingKey
    reference UserRoleId>UserRole ProfileId>Profile ManagerId>User
    datetime LastLoginDate
    {_AUDIT}
"""

_USER_ROLE = """
    string Name DeveloperName RollupDescription
    reference ParentRoleId>>UserRole LastModifiedById>User
    datetime LastModifiedDate SystemModstamp
"""

_PROFILE = f"""
    string Name Description
    picklist UserType
    reference UserLicenseId>UserLicense
    {_AUDIT}
"""

_GROUP = f"""
    string Name DeveloperName
    reference RelatedId>User|UserRole
    picklist Type
    email Email
    boolean DoesIncludeBosses
    {_AUDIT}
"""

_ORGANIZATION = f"""
    string Name Division InstanceName NamespacePrefix
    picklist OrganizationType TimeZoneSidKey LanguageLocaleKey DefaultLocaleSidKey DefaultCurrencyIsoCode
    boolean IsSandbox
    int FiscalYearStartMonth
    {_AUDIT}
"""

_LOGIN_HISTORY = """
    reference UserId>>User
    datetime LoginTime
    picklist LoginType
    string SourceIp Application Browser Platform Status ApiType ApiVersion
"""

_ENTITY = """
    string QualifiedApiName DeveloperName Label KeyPrefix DurableId
    boolean IsQueryable
"""

_FIELD = """
    string QualifiedApiName DeveloperName Label DataType DurableId
    reference EntityDefinitionId>EntityDefinition
    boolean IsFieldHistoryTracked IsNillable IsIndexed
    int Length
"""

PEOPLE_SHAPES = (
    declared("User", "005", _USER),
    declared("UserRole", "00E", _USER_ROLE),
    declared("Profile", "00e", _PROFILE),
    declared("Group", "00G", _GROUP),
    declared("Organization", "00D", _ORGANIZATION),
    declared("LoginHistory", "0Ya", _LOGIN_HISTORY),
    declared("EntityDefinition", "", _ENTITY, since=32, virtual=True),
    declared("FieldDefinition", "", _FIELD, since=32, virtual=True),
)
