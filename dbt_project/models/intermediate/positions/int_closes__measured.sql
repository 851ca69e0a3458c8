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

joined as (
    select
        placed.*,
        concat_ws(':', placed.exchange, accounts.root_uid, placed.order_id)
            as liquidation_event_id,
        positions.forced_kind as kind_by_position,
        positions.trigger_price,
        margined.margin_opened,
        margined.margin_added,
        coalesce(margined.opening_leverage, positions.leverage) as opening_leverage,
        margined.highest_leverage,
        margined.is_isolated,
        placed.order_pnl + placed.order_fee as close_result,
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
),

reduced as (
    select
        * exclude (closed_units, peak_units, opened_units),
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

select * exclude (loss) from measured
