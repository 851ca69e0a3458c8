with

nominated as (
    select * from {{ ref('int_orders__nominated') }}
),

bills as (
    select * from {{ ref('stg_okx__bills') }}
),

markers as (
    select * from {{ ref('exchange_markers') }}
),

marked as (
    select
        bills.*,
        coalesce(by_subtype.forced_kind, by_type.forced_kind) as forced_kind
    from bills
    inner join nominated
        on
            bills.exchange = nominated.exchange
            and bills.account_id = nominated.account_id
            and bills.order_id = nominated.order_id
    left join markers as by_subtype
        on
            bills.exchange = by_subtype.exchange
            and by_subtype.source = 'bill_subtype'
            and bills.bill_subtype = by_subtype.marker
    left join markers as by_type
        on
            bills.exchange = by_type.exchange
            and by_type.source = 'bill_type'
            and bills.bill_type = by_type.marker
),

summed as (
    select
        exchange,
        account_id,
        order_id,
        any_value(inst_id) as inst_id,
        sum(qty_contracts) as qty_contracts,
        sum(pnl) as pnl,
        sum(fee) as fee,
        max(recorded_at) as recorded_at,
        -- Null when a bill carries no known marker or two bills of one order disagree.
        case
            when count(*) = count(forced_kind) and count(distinct forced_kind) = 1
                then max(forced_kind)
        end as forced_kind,
        list_sort(list_distinct(list(reply_sha256))) as reply_hashes
    from marked
    group by exchange, account_id, order_id
)

select * from summed
