-- Sub-accounts are one trader: two holders under one root would insure both sides of a bet. Where
-- the venue does not tell the root, people look. An account that is not validly bound is another
-- check's business and has no root of the holder's.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

bindings as (
    select * from {{ ref('stg_intake__bindings') }}
),

owners as (
    select * from {{ ref('int_contexts__root_owners') }}
),

valid as (
    select distinct
        account_id,
        uid,
        signer
    from bindings
),

judged as (
    select
        claims.*,
        valid.account_id is not null as is_bound,
        owners.party_key as owner_key
    from claims
    left join valid
        on
            claims.account_id = valid.account_id
            and claims.venue_uid = valid.uid
            and claims.wallet = valid.signer
    left join owners on claims.root_key = owners.root_key
),

checked as (
    select
        claim_id,
        'ROOT_UNIQUE' as check_code,
        {{ check_result(
            'venue_root_uid is not null and owner_key = party_key', 'has_config and is_bound'
        ) }} as result,
        venue_root_uid is null as is_hold,
        has_config and is_bound as is_applicable,
        case
            when venue_root_uid is null then 'the venue does not tell the root account'
            when owner_key = party_key then 'the root account is the holder''s'
            else 'the root account was bound by another holder before'
        end as observed,
        'one holder for all accounts of a root' as expected,
        coalesce('reply:' || config_reply_sha256, '') as evidence_ids
    from judged
)

select * from checked
