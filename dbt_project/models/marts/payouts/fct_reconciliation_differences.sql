with

payouts as (
    select * from {{ ref('int_payouts__reconciled') }}
),

batches as (
    select * from {{ ref('int_batches__reconciled') }}
),

of_payouts as (
    select
        chain_id,
        batch_no,
        unnest(differences) as kind,
        concat_ws(
            ' ',
            coalesce(claim_id, 'claim index ' || claim_index),
            '(index ' || claim_index || '):',
            'decided',
            coalesce(claims_micro_usdc::varchar, '-'),
            'to',
            coalesce(claims_recipient, '-') || ',',
            'store',
            coalesce(store_micro_usdc::varchar, '-'),
            'to',
            coalesce(store_recipient, '-'),
            coalesce(state, 'unknown') || ',',
            'chain',
            coalesce(chain_micro_usdc::varchar, '-'),
            'to',
            coalesce(chain_recipient, '-'),
            'paid',
            chain_paid_micro_usdc
        ) as detail,
        claim_index as place
    from payouts
),

of_batches as (
    select
        chain_id,
        batch_no,
        unnest(differences) as kind,
        concat_ws(
            ' ',
            'store',
            coalesce(store_micro_usdc::varchar, '-'),
            coalesce(state, 'unknown') || ',',
            'chain',
            coalesce(chain_micro_usdc::varchar, '-')
        ) as detail,
        0 as place
    from batches
),

differences as (
    select * from of_payouts
    union all
    select * from of_batches
),

-- One row a batch and kind: what stops the payments is looked at by people.
grouped as (
    select
        chain_id,
        batch_no,
        kind,
        count(*) as difference_count,
        array_to_string(list(detail order by place)[:5], '; ')
        || if(count(*) > 5, '; and ' || (count(*) - 5) || ' more', '') as detail
    from differences
    group by chain_id, batch_no, kind
)

select * from grouped
