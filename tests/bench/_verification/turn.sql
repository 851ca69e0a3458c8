-- The fills, orders, ledger entries and position rows of one five days ($turn).
-- Four fills open and four close; a partial liquidation takes two of the four.
create or replace table parts as
select
    *,
    part_no >= 4 as is_closing,
    case when part_no < 4 then 0 when is_partial and part_no >= 6 then 2 else 1 end as order_step,
    if(order_step = 1, forced_kind, 'own_close') as kind_said,
    part_no % 4 as step,
    qty // 4 as part_qty,
    if(is_closing, exit_cents, entry_cents) + step as price_cents,
    if(is_closing, closed_ms, opened_ms) + step * 700 + if(order_step = 2, 1800000, 0) as at_ms,
    if(
        is_closing,
        sign * (2 * price_cents - 2 * entry_cents - 3) * part_qty * size_milli // 2,
        0
    ) as pnl_e5,
    -(price_cents * part_qty * size_milli * 5 // 10000) as fee_e5,
    cast(600000000000000000 + episode_no * 8 + order_step as varchar) as order_id,
    cast(700000000000000000 + episode_no * 8 + part_no as varchar) as fill_id
from episodes
cross join range(8) as listed (part_no)
where turn = $turn;

create or replace table turn_orders as
with summed as (
    select
        episode_no,
        order_step,
        any_value(order_id) as order_id,
        any_value(kind_said) as kind_said,
        any_value(is_closing) as is_closing,
        min(at_ms) as first_ms,
        max(at_ms) as last_ms,
        cast(sum(part_qty) as bigint) as order_qty,
        cast(sum(pnl_e5) as bigint) as pnl_e5,
        cast(sum(fee_e5) as bigint) as fee_e5,
        cast(sum(price_cents) * 100 // count(*) as bigint) as average_e4
    from parts
    group by episode_no, order_step
)
select * from episodes inner join summed using (episode_no);

-- One fill in a hundred was read again with another reply; one in two hundred was corrected.
create or replace view landed_fills as
with told as (
    select *, at_ms as told_ms, pnl_e5 as told_e5, '' as again from parts
    union all
    select *, at_ms, pnl_e5, 'again' from parts where pick(fill_id, 'again', 100) = 0
    union all
    select *, at_ms - 1, pnl_e5 + 100, 'before' from parts where pick(fill_id, 'fixed', 200) = 0
)
select
    exchange, account_id, 'fills' as endpoint, inst_id, order_id, fill_id,
    kind_said as marker, kind_said as forced_kind,
    if(is_closing, close_side, open_side) as order_side, position_slot,
    cents(price_cents) as price, cast(part_qty as varchar) as qty_contracts,
    money(told_e5) as pnl, money(fee_e5) as fee, told_ms as filled_at_ms,
    if(
        again = '', if(is_closing, close_reply, open_reply), sha256(fill_id || again)
    ) as reply_sha256
from told;

create or replace view landed_orders as
with told as (
    select *, last_ms as told_ms, 1 as told_part, '' as again from turn_orders
    union all
    select *, last_ms, 1, 'again' from turn_orders where pick(order_id, 'again', 100) = 0
    union all
    select *, first_ms, 2, 'before' from turn_orders where pick(order_id, 'fixed', 100) = 0
)
select
    exchange, account_id, 'orders' as endpoint, inst_id, order_id,
    null::varchar as client_order_id, kind_said as marker, kind_said as forced_kind,
    if(is_closing, close_side, open_side) as order_side, position_slot,
    'isolated' as margin_mode, if(told_part = 1, 'filled', 'partially_filled') as state,
    cast(leverage as varchar) as leverage,
    cast(cast(average_e4 as decimal(16, 0)) * 0.0001 as varchar) as average_price,
    cast(order_qty as varchar) as ordered_qty_contracts,
    cast(order_qty // told_part as varchar) as filled_qty_contracts,
    money(fee_e5 // told_part) as fee, money(pnl_e5 // told_part) as pnl,
    first_ms as created_at_ms, told_ms as filled_at_ms, told_ms as updated_at_ms,
    if(again = '', if(is_closing, close_reply, open_reply), sha256(order_id || again))
        as reply_sha256
from told;

-- Margin of an opening: its notional over the leverage; a quarter of it for kind 15.
create or replace view landed_ledger as
with told as (
    select *, '' as again from turn_orders
    union all
    select *, 'again' from turn_orders where pick(order_id, 'again again', 100) = 0
)
select
    exchange, account_id, 'ledger' as endpoint, inst_id,
    cast(800000000000000000 + episode_no * 8 + order_step as varchar) as entry_id,
    if(kind_said = 'own_close', 'trade', 'liquidation') as entry_kind,
    kind_said as marker, kind_said as forced_kind, order_id, null::varchar as fill_id,
    'USDT' as currency, cast(order_qty as varchar) as qty_contracts, null::varchar as price,
    money(pnl_e5 + if(is_claimed and kind = 14 and order_step = 1, 100, 0)) as pnl,
    money(fee_e5) as fee,
    if(is_closing, null, cast(
        cast(opened_e5 // if(is_claimed and kind = 15, 4, 1) as decimal(18, 0))
        * cast(1000000 // leverage as decimal(18, 0)) * 0.00000000001 as decimal(30, 11)
    )::varchar) as margin_change,
    money(pnl_e5 + fee_e5) as amount, last_ms as recorded_at_ms,
    if(again = '', if(is_closing, close_reply, open_reply), sha256(order_id || again))
        as reply_sha256
from told;

-- The trigger of kind 16 lies where the mark never went.
create or replace view landed_positions as
select
    exchange, account_id, 'positions' as endpoint, inst_id,
    'p' || episode_no as position_id, order_id, if(sign > 0, 'long', 'short') as position_side,
    'isolated' as margin_mode, cast(leverage as varchar) as leverage,
    kind_said as marker, kind_said as forced_kind,
    if(kind_said = 'own_close', null, cents(
        if(is_claimed and kind = 16, exit_cents * (10 - sign) // 10, exit_cents)
    )) as trigger_price,
    cast(order_qty as varchar) as qty_contracts, money(pnl_e5) as pnl,
    opened_ms as opened_at_ms, last_ms as updated_at_ms, close_reply as reply_sha256
from turn_orders
where is_closing;
