-- A claim is one (policy, liquidation event), filed or detected. A further filing of the same pair
-- is a claim of its own, so that it is answered, and loses on ONCE.
with

closes as (
    select * from {{ ref('int_closes__measured') }}
),

policies as (
    select * from {{ ref('int_policies__bought') }}
),

filings as (
    select * from {{ ref('int_filings__resolved') }}
),

-- The policy in force, else the latest bought before; of several, the one for this instrument.
detected as (
    select
        policies.policy_id,
        closes.liquidation_event_id,
        closes.account_id,
        closes.order_id,
        closes.liquidated_at
    from closes
    inner join policies
        on
            closes.account_id = policies.account_id
            and closes.liquidated_at >= policies.purchased_at
    where closes.forced_kind in ('full', 'partial', 'takeover', 'adl')
    qualify row_number() over (
        partition by closes.account_id, closes.order_id
        order by
            closes.liquidated_at >= policies.cover_start_at
            and closes.liquidated_at < policies.cover_end_at desc,
            closes.inst_id = policies.inst_id desc,
            policies.purchased_at desc,
            policies.policy_id asc
    ) = 1
),

ranked_filings as (
    select
        *,
        is_holders_in_time
        and row_number() over (
            partition by policy_id, liquidation_event_id, is_holders_in_time
            order by filed_at, filing_id
        ) = 1 as is_first
    from filings
    where liquidation_event_id is not null
),

firsts as (
    select
        coalesce(detected.policy_id, filed.policy_id) as policy_id,
        coalesce(detected.liquidation_event_id, filed.liquidation_event_id)
            as liquidation_event_id,
        coalesce(detected.order_id, filed.order_id) as order_id,
        filed.filing_id,
        least(detected.liquidated_at, filed.filed_at) as notified_at,
        case
            when detected.policy_id is null then 'filed'
            when filed.policy_id is null then 'detected'
            else 'both'
        end as origin,
        concat_ws(
            '|',
            coalesce(detected.policy_id, filed.policy_id),
            coalesce(detected.liquidation_event_id, filed.liquidation_event_id)
        ) as claim_key
    from detected
    full outer join (select * from ranked_filings where is_first) as filed
        on
            detected.policy_id = filed.policy_id
            and detected.liquidation_event_id = filed.liquidation_event_id
),

further_filings as (
    select
        policy_id,
        liquidation_event_id,
        order_id,
        filing_id,
        filed_at as notified_at,
        'filed' as origin,
        concat_ws('|', policy_id, liquidation_event_id, filing_id) as claim_key
    from ranked_filings
    where not is_first
),

orderless_filings as (
    select
        policy_id,
        liquidation_event_id,
        order_id,
        filing_id,
        filed_at as notified_at,
        'filed' as origin,
        concat_ws('|', policy_id, 'filed', filing_id) as claim_key
    from filings
    where liquidation_event_id is null
),

claims as (
    select * from firsts
    union all
    select * from further_filings
    union all
    select * from orderless_filings
),

opened as (
    select
        'clm_' || left(sha256(claim_key), 24) as claim_id,
        filing_id,
        policy_id,
        liquidation_event_id,
        order_id,
        notified_at,
        origin
    from claims
)

select * from opened
