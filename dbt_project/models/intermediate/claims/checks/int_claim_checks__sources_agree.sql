-- Order list, fills, ledger and positions history must tell one story; one forged or garbled
-- source is then not enough for a payout. A venue need not say everything everywhere: what it says
-- must agree and a force must be named by at least one source. The result must be stated twice;
-- stated once, it must be what the fill prices give.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

limits as (
    {{ thresholds() }}
),

told as (
    select
        *,
        list_filter(
            [kind_by_order, kind_by_fills, kind_by_ledger, kind_by_position],
            lambda kind: kind is not null
        ) as kinds,
        list_filter(
            [order_pnl, fills_pnl, ledger_pnl, position_pnl], lambda pnl: pnl is not null
        ) as pnls
    from claims
),

-- Scaled by the contracts opened: what was paid for them and what the closed ones brought. Exact
-- only where everything was bought before anything was sold.
worked_out as (
    select
        *,
        if(position_side = 'long', 1, -1) * (
            {{ coarse_units('closed_notional_quote') }} * opened_share_denominator::hugeint
            - {{ coarse_units('opened_notional_quote') }} * opened_share_numerator::hugeint
        ) as result_by_share,
        {{ coarse_units('pnls[1]') }} * opened_share_denominator::hugeint as stated_by_share,
        {{ coarse_units('closed_notional_quote') }} * opened_share_denominator::hugeint
            as notional_by_share,
        peak_qty_contracts = opened_qty_contracts
        and closed_qty_contracts = fills_qty_contracts as is_exact
    from told
),

compared as (
    select
        worked_out.*,
        len(list_distinct(list_transform(kinds, lambda kind: {{ base_kind('kind') }}))) = 1
        and kinds[1] <> 'mixed' as is_kind_agreed,
        order_qty_contracts = fills_qty_contracts
        and coalesce(order_qty_contracts = ledger_qty_contracts, true)
        and coalesce(order_qty_contracts = position_qty_contracts, true) as is_qty_agreed,
        case
            when len(pnls) >= 2 then list_max(pnls) - list_min(pnls) <= limits.pnl_tolerance
            when len(pnls) = 1 and is_exact
                then
                    abs(stated_by_share - result_by_share) * 1000000
                    <= notional_by_share * limits.worked_out_pnl_ppm
        end as is_pnl_agreed
    from worked_out
    cross join limits
),

checked as (
    select
        claim_id,
        'SOURCES_AGREE' as check_code,
        {{ check_result(
            'is_kind_agreed and is_qty_agreed and is_pnl_agreed',
            "is_order_landed and len(list_filter(kinds, lambda kind: kind <> 'own_close')) > 0"
        ) }} as result,
        is_order_landed as is_applicable,
        concat_ws(
            '; ',
            'kind ' || array_to_string(kinds, '/'),
            concat_ws(
                '/', 'qty ' || order_qty_contracts, fills_qty_contracts, ledger_qty_contracts,
                position_qty_contracts
            ),
            'pnl ' || array_to_string(pnls, '/')
        ) as observed,
        'order, fills, ledger and positions history agree' as expected,
        {{ evidence_ids('evidence_hashes') }} as evidence_ids
    from compared
)

select * from checked
