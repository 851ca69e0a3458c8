-- Order list, fills, ledger and positions history must tell one story; one forged or garbled
-- source is then not enough for a payout.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

limits as (
    {{ thresholds() }}
),

compared as (
    select
        claims.*,
        order_qty_contracts = fills_qty_contracts
        and order_qty_contracts = bills_qty_contracts as is_qty_agreed,
        abs(order_pnl - fills_pnl) <= limits.pnl_tolerance
        and abs(order_pnl - bills_pnl) <= limits.pnl_tolerance as is_pnl_agreed,
        {{ base_kind('kind_by_order') }} = {{ base_kind('kind_by_bills') }}
        and (
            kind_by_position is null
            or {{ base_kind('kind_by_position') }} = {{ base_kind('kind_by_order') }}
        ) as is_kind_agreed
    from claims
    cross join limits
),

checked as (
    select
        claim_id,
        'SOURCES_AGREE' as check_code,
        {{ check_result('is_kind_agreed and is_qty_agreed and is_pnl_agreed', 'is_order_landed') }}
            as result,
        is_order_landed as is_applicable,
        concat_ws(
            '; ',
            concat_ws('/', 'kind ' || kind_by_order, kind_by_bills, kind_by_position),
            concat_ws('/', 'qty ' || order_qty_contracts, fills_qty_contracts, bills_qty_contracts),
            concat_ws('/', 'pnl ' || order_pnl, fills_pnl, bills_pnl)
        ) as observed,
        'order, fills, bills and positions history agree' as expected,
        {{ evidence_ids('evidence_hashes') }} as evidence_ids
    from compared
)

select * from checked
