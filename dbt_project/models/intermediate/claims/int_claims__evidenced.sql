-- A claim beside its policy, its filing and the close it is about: what every check reads.
with

claims as (
    select * from {{ ref('int_claims__opened') }}
),

policies as (
    select * from {{ ref('int_policies__bought') }}
),

filings as (
    select * from {{ ref('int_filings__resolved') }}
),

closes as (
    select * from {{ ref('int_closes__measured') }}
),

accounts as (
    select * from {{ ref('int_accounts__identified') }}
),

evidenced as (
    select
        claims.claim_id,
        claims.filing_id,
        claims.policy_id,
        claims.liquidation_event_id,
        claims.order_id,
        claims.notified_at,
        claims.origin,
        policies.* exclude (policy_id, inst_id, account_id, leverage),
        policies.account_id,
        policies.inst_id as policy_inst_id,
        policies.leverage as policy_leverage,
        filings.* exclude (filing_id, policy_id, liquidation_event_id, order_id),
        accounts.exchange,
        accounts.venue_uid,
        accounts.has_config,
        accounts.config_reply_sha256,
        {{ pseudonym('policies.wallet') }} as party_key,
        {{ pseudonym("accounts.exchange || ':' || accounts.root_uid") }} as root_key,
        {{ pseudonym('closes.episode_id') }} as position_key,
        {{ pseudonym('claims.liquidation_event_id') }} as event_key,
        accounts.venue_root_uid,
        accounts.root_uid,
        accounts.is_read_only,
        accounts.key_permissions,
        accounts.environment,
        coalesce(closes.inst_id, filings.filed_inst_id) as inst_id,
        coalesce(closes.is_order_landed, false) as is_order_landed,
        closes.order_id is not null as is_event_known,
        coalesce(
            list_contains(string_split(policies.covered_kinds, '|'), closes.forced_kind), false
        ) as is_covered_kind,
        closes.* exclude (
            exchange, account_id, order_id, inst_id, liquidation_event_id, is_order_landed
        )
    from claims
    inner join policies on claims.policy_id = policies.policy_id
    left join accounts on policies.account_id = accounts.account_id
    left join filings on claims.filing_id = filings.filing_id
    left join closes
        on
            claims.liquidation_event_id = closes.liquidation_event_id
            and policies.account_id = closes.account_id
)

select * from evidenced
