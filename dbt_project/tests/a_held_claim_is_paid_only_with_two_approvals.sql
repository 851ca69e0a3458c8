-- Harm: one person, or nobody, lets through what a rule wanted people to look at. Counted anew from
-- what was done: any reject, appeal or wish to look again voids the approvals before it.
with

items as (
    select * from {{ ref('fct_payout_items') }} where status = 'approved'
),

holds as (
    select
        checks.claim_id,
        checks.check_code
    from {{ ref('fct_claim_checks') }} as checks
    inner join items on checks.claim_id = items.claim_id
    where checks.result = 'fail' and checks.is_hold
),

actions as (
    select * from {{ ref('stg_intake__claim_actions') }}
),

counting as (
    select
        approvals.claim_id,
        approvals.covers,
        lower(trim(approvals.actor)) as approver
    from actions as approvals
    where
        approvals.action = 'approve'
        and not exists (
            select 1
            from actions as voids
            where
                voids.claim_id = approvals.claim_id
                and voids.action in ('reject', 'appeal', 'reverify')
                and voids.acted_at >= approvals.acted_at
        )
)

select
    holds.claim_id,
    holds.check_code,
    count(distinct counting.approver) as approver_count
from holds
left join counting
    on
        holds.claim_id = counting.claim_id
        and list_contains(string_split(counting.covers, '|'), holds.check_code)
group by holds.claim_id, holds.check_code
having count(distinct counting.approver) < 2
