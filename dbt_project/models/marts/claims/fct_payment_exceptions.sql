with

payments as (
    select * from {{ ref('stg_lifecycle__payment_exceptions') }}
),

movements as (
    select * from {{ ref('int_pool_movements__balanced') }}
),

joined as (
    select
        payments.payment_id,
        payments.chain_id,
        payments.tx_hash,
        payments.log_index,
        payments.payer,
        payments.amount_micro_usdc,
        payments.quote_id,
        payments.reason_code,
        payments.detail,
        payments.paid_at,
        payments.queued_at,
        payments.resolved_at,
        payments.resolved_by,
        payments.resolution,
        payments.resolved_at is null as is_open,
        movements.movement_id is not null as is_on_chain
    from payments
    left join movements on payments.payment_id = movements.movement_id
)

select * from joined
