-- A root account belongs to the wallet whose valid binding of an account under it came first: a
-- binding of a uid that is not what the venue answers counts for nobody.
with

bindings as (
    select * from {{ ref('stg_intake__bindings') }}
),

accounts as (
    select * from {{ ref('int_accounts__identified') }} where venue_root_uid is not null
),

brought as (
    select * from {{ ref('stg_evidence__root_owners') }}
),

bound as (
    select
        {{ pseudonym("accounts.exchange || ':' || accounts.root_uid") }} as root_key,
        {{ pseudonym('bindings.signer') }} as party_key,
        epoch_ms(bindings.created_at) as bound_at_ms
    from bindings
    inner join accounts
        on bindings.account_id = accounts.account_id and bindings.uid = accounts.venue_uid

    union all

    select
        root_key,
        party_key,
        bound_at_ms
    from brought
),

owners as (
    select *
    from bound
    qualify row_number() over (partition by root_key order by bound_at_ms, party_key) = 1
)

select * from owners
