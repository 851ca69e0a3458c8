with

policies as (
    select * from {{ ref('int_policies__bought') }} where is_bought
),

accounts as (
    select * from {{ ref('int_accounts__identified') }}
),

insured as (
    select distinct
        accounts.exchange,
        accounts.account_id,
        {{ pseudonym('policies.wallet') }} as party_key,
        {{ pseudonym("accounts.exchange || ':' || accounts.root_uid") }} as root_key
    from policies
    inner join accounts on policies.account_id = accounts.account_id
)

select * from insured
