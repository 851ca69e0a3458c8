-- What people said about a claim counts from its last reject, appeal or wish to look again on; a
-- reject counts until the holder appeals, whatever others say. Of two words at one moment the
-- stricter counts as the later.
with

actions as (
    select * from {{ ref('stg_intake__claim_actions') }}
),

limits as (
    {{ thresholds() }}
),

numbered as (
    select
        *,
        row_number() over (
            partition by claim_id
            order by
                acted_at,
                list_position(['approve', 'reverify', 'appeal', 'reject', 'withdraw'], action),
                created_at,
                action_id
        ) as action_no
    from actions
),

turned as (
    select
        claim_id,
        bool_or(action = 'withdraw') as is_withdrawn,
        coalesce(max(action_no) filter (where action = 'reject'), 0) as rejected_no,
        coalesce(max(action_no) filter (where action = 'appeal'), 0) as appealed_no,
        coalesce(max(action_no) filter (where action in ('reject', 'appeal', 'reverify')), 0)
            as anew_no,
        string_agg(
            concat_ws(' ', action, 'by', actor, 'of ' || nullif(covers, '')), '; '
            order by action_no
        ) as said,
        list(action_id order by action_no) as action_ids
    from numbered
    group by claim_id
),

-- One person under two spellings is one person.
approvals as (
    select distinct
        numbered.claim_id,
        lower(trim(numbered.actor)) as approver,
        unnest(string_split(numbered.covers, '|')) as check_code
    from numbered
    inner join turned on numbered.claim_id = turned.claim_id
    where numbered.action = 'approve' and numbered.action_no > turned.anew_no
),

agreed as (
    select
        claim_id,
        check_code,
        count(distinct approver) as approver_count
    from approvals
    group by claim_id, check_code
),

released as (
    select
        agreed.claim_id,
        list(agreed.check_code order by agreed.check_code) as approved_codes
    from agreed
    cross join limits
    where agreed.approver_count >= limits.approvals_needed
    group by agreed.claim_id
),

reviewed as (
    select
        turned.claim_id,
        turned.is_withdrawn,
        turned.rejected_no > turned.appealed_no as is_rejected,
        turned.rejected_no > 0 and turned.appealed_no > turned.rejected_no as is_appealed,
        coalesce(released.approved_codes, []) as approved_codes,
        turned.said,
        turned.action_ids
    from turned
    left join released on turned.claim_id = released.claim_id
)

select * from reviewed
