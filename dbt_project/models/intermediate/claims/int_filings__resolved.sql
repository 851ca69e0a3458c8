-- A filing resolves on the account its policy insures: a stranger's order id resolves to nothing.
with

filings as (
    select * from {{ ref('stg_intake__claims') }}
),

policies as (
    select * from {{ ref('int_policies__bought') }}
),

closes as (
    select * from {{ ref('int_closes__measured') }}
),

lookups as (
    select
        filing_id,
        count(*) filter (where outcome = 'not_found') as miss_count,
        min(looked_up_at) filter (where outcome = 'not_found') as first_missed_at,
        max(looked_up_at) filter (where outcome = 'not_found') as last_missed_at,
        count(*) filter (where outcome = 'found') as hit_count,
        list_sort(list_distinct(list(reply_sha256))) as reply_hashes
    from {{ ref('stg_exchanges__order_lookups') }}
    group by filing_id
),

resolved as (
    select
        filings.filing_id,
        filings.reference as filing_reference,
        filings.policy_id,
        filings.claimed_by,
        filings.inst_id as filed_inst_id,
        filings.order_id,
        filings.filed_at,
        closes.liquidation_event_id,
        -- Only the holder's own timely filing joins a detected claim; nobody else's can spoil it.
        coalesce(
            filings.claimed_by = policies.wallet and filings.filed_at <= policies.file_until_at,
            false
        ) as is_holders_in_time,
        coalesce(lookups.miss_count, 0) as miss_count,
        lookups.first_missed_at,
        lookups.last_missed_at,
        coalesce(lookups.hit_count, 0) as hit_count,
        lookups.reply_hashes as lookup_reply_hashes
    from filings
    inner join policies on filings.policy_id = policies.policy_id
    left join closes
        on
            policies.account_id = closes.account_id
            and filings.order_id = closes.order_id
    left join lookups on filings.filing_id = lookups.filing_id
)

select * from resolved
