-- Everything known about one close. Shares are whole numbers over each other (numerator and
-- denominator of the same decimal, divided by their common divisor), so nothing is rounded here.
with

placed as (
    select * from {{ ref('int_closes__placed') }}
),

margined as (
    select * from {{ ref('int_closes__margined') }}
),

positions as (
    select * from {{ ref('int_position_states__matched') }}
),

accounts as (
    select * from {{ ref('int_accounts__identified') }}
),

assets as (
    select
        exchange,
        inst_id,
        max(base_asset) as base_asset
    from {{ ref('int_instruments__versioned') }}
    group by exchange, inst_id
),

joined as (
    select
        placed.*,
        concat_ws(':', placed.exchange, accounts.root_uid, placed.order_id)
            as liquidation_event_id,
        assets.base_asset,
        {{ notional('placed.opened_price_qty', 'placed.contract_size') }} as opened_notional_quote,
        {{ base_qty('placed.opened_qty_contracts', 'placed.contract_size') }} as opened_qty_base,
        {{ notional('placed.fills_price_qty', 'placed.contract_size') }} as closed_notional_quote,
        {{ base_qty('placed.fills_qty_contracts', 'placed.contract_size') }} as closed_qty_base,
        positions.forced_kind as kind_by_position,
        positions.trigger_price,
        if(positions.is_named, positions.qty_contracts, null) as position_qty_contracts,
        if(positions.is_named, positions.pnl, null) as position_pnl,
        margined.margin_opened,
        margined.is_margin_stated,
        margined.margin_added,
        margined.margin_removed,
        margined.opening_leverage,
        margined.highest_leverage,
        margined.is_isolated,
        -- A fee in another coin is left out: the loss is then the smaller one.
        coalesce(
            placed.order_pnl,
            placed.fills_pnl,
            placed.ledger_pnl,
            if(positions.is_named, positions.pnl, null)
        ) + coalesce(placed.order_fee, 0) as close_result,
        list_sort(list_distinct(list_concat(
            placed.reply_hashes,
            coalesce(margined.margin_reply_hashes, []),
            if(positions.reply_sha256 is null, [], [positions.reply_sha256])
        ))) as evidence_hashes,
        {{ units('placed.closed_qty_contracts') }} as closed_units,
        {{ units('placed.peak_qty_contracts') }} as peak_units,
        {{ units('placed.opened_qty_contracts') }} as opened_units
    from placed
    inner join accounts using (exchange, account_id)
    left join margined using (exchange, account_id, order_id)
    left join positions using (exchange, account_id, order_id)
    left join assets
        on placed.exchange = assets.exchange and placed.inst_id = assets.inst_id
),

reduced as (
    select
        * exclude (closed_units, peak_units, opened_units),
        -- The most reliable source that says a kind counts; which one calls a full liquidation a
        -- takeover depends on the venue. With the order there and no source naming a force, it
        -- was the trader: complete evidence is another check's business.
        coalesce(
            kind_by_order,
            kind_by_position,
            nullif(kind_by_fills, 'mixed'),
            nullif(kind_by_ledger, 'mixed'),
            if('mixed' in (kind_by_fills, kind_by_ledger), null, 'own_close')
        ) as stated_kind,
        if(
            stated_kind = 'full'
            and (kind_by_fills = 'takeover' or kind_by_ledger = 'takeover'),
            'takeover',
            stated_kind
        ) as forced_kind,
        cast(closed_units // gcd(closed_units, peak_units) as decimal(38, 0))
            as peak_share_numerator,
        cast(peak_units // gcd(closed_units, peak_units) as decimal(38, 0))
            as peak_share_denominator,
        cast(closed_units // gcd(closed_units, opened_units) as decimal(38, 0))
            as opened_share_numerator,
        cast(opened_units // gcd(closed_units, opened_units) as decimal(38, 0))
            as opened_share_denominator
    from joined
),

-- Loss of the close with its fees and its share of the opening fees, rounded down once.
measured as (
    select
        *,
        -(
            {{ units('close_result') }} * opened_share_denominator::hugeint
            + {{ units('opening_fee') }} * opened_share_numerator::hugeint
        ) // (opened_share_denominator::hugeint * 1000000000000::hugeint) as loss,
        cast({{ at_least_zero('loss') }} as bigint) as realised_loss_micro_usdc
    from reduced
)

select * exclude (loss, stated_kind) from measured
