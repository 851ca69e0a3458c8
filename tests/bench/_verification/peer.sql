-- The compared rules for SQLite and PostgreSQL alike: indexed tables, the claims' accounts only.
create temporary table claimed as
select
    claims.filing_id, claims.order_id, claims.filed_at_ms,
    quotes.account_id, quotes.inst_id as policy_inst_id, quotes.leverage as policy_leverage,
    quotes.principal_micro_usdc, quotes.payout_rate_ppm, quotes.max_payout_micro_usdc,
    accounts.exchange,
    purchases.block_time_ms + quotes.wait_seconds * 1000 as start_ms,
    purchases.block_time_ms + (quotes.wait_seconds + quotes.cover_seconds) * 1000 as end_ms,
    purchases.block_time_ms
    + (quotes.wait_seconds + quotes.cover_seconds + quotes.filing_grace_seconds) * 1000 as file_ms
from claims
inner join quotes on claims.policy_id = quotes.quote_id
inner join policy_purchases as purchases on quotes.quote_id = purchases.quote_id
inner join accounts on quotes.account_id = accounts.account_id;

create temporary table signed as
select
    *,
    case when order_side = 'buy' then qty_contracts else -qty_contracts end as signed_qty
from (
    select
        fills.*,
        row_number() over (
            partition by fills.account_id, fills.fill_id order by fills.filled_at_ms desc
        ) as version_no
    from fills
    where fills.account_id in (select account_id from claimed)
) as versions
where version_no = 1;

create temporary table held as
select
    *,
    cast(sum(signed_qty) over (
        partition by account_id, inst_id, position_slot
        order by filled_at_ms, length(fill_id), fill_id rows unbounded preceding
    ) as bigint) as held_after
from signed;

create temporary table legs as
select
    *,
    cast(sum(case when is_open = 1 then qty_contracts else 0 end) over so_far as bigint) as opened,
    cast(sum(case when is_open = 1 then fee else 0 end) over so_far as bigint) as fees,
    max(abs(held_after)) over so_far as peak,
    min(filled_at_ms) over so_far as opened_ms
from (
    select
        *,
        case when abs(held_after) > abs(held_after - signed_qty) then 1 else 0 end as is_open,
        sum(case when held_after = signed_qty then 1 else 0 end) over (
            partition by account_id, inst_id, position_slot
            order by filled_at_ms, length(fill_id), fill_id rows unbounded preceding
        ) as episode_no
    from held
) as numbered
window so_far as (
    partition by account_id, inst_id, position_slot, episode_no
    order by filled_at_ms, length(fill_id), fill_id rows unbounded preceding
);
create index legs_by_order on legs (account_id, order_id);

create temporary table latest_orders as
select * from (
    select
        orders.*,
        row_number() over (
            partition by orders.account_id, orders.order_id
            order by orders.updated_at_ms desc, orders.filled_qty_contracts desc
        ) as version_no
    from orders
    where orders.account_id in (select account_id from claimed)
) as versions
where version_no = 1;
create index latest_orders_by_id on latest_orders (account_id, order_id);

create temporary table entries as
select
    account_id, order_id,
    cast(sum(qty_contracts) as bigint) as ledger_qty,
    cast(sum(pnl) as bigint) as ledger_pnl,
    cast(sum(coalesce(margin_change, 0)) as bigint) as margin_change,
    max(forced_kind) as ledger_kind,
    min(forced_kind) as ledger_least
from (
    select
        ledger.*,
        row_number() over (
            partition by ledger.account_id, ledger.entry_id order by ledger.recorded_at_ms desc
        ) as version_no
    from ledger
    where ledger.account_id in (select account_id from claimed)
) as versions
where version_no = 1
group by account_id, order_id;
create index entries_by_order on entries (account_id, order_id);

create temporary table closes as
select
    legs.account_id, legs.order_id, legs.inst_id, legs.position_slot,
    max(legs.episode_no) as episode_no,
    min(legs.opened_ms) as opened_ms,
    max(legs.filled_at_ms) as closed_ms,
    cast(sum(legs.qty_contracts) as bigint) as closed,
    cast(sum(legs.pnl) as bigint) as fills_pnl,
    max(legs.opened) as opened,
    min(legs.fees) as fees,
    max(legs.peak) as peak
from legs
inner join (select distinct account_id, order_id from claimed) as named
    on legs.account_id = named.account_id and legs.order_id = named.order_id
group by legs.account_id, legs.order_id, legs.inst_id, legs.position_slot;

create temporary table openings as
select
    closes.account_id, closes.order_id,
    cast(sum(entries.margin_change) as bigint) as margin,
    max(opening.leverage) as leverage
from closes
inner join (
    select distinct account_id, inst_id, position_slot, episode_no, order_id
    from legs
    where is_open = 1
) as begun
    on
        closes.account_id = begun.account_id
        and closes.inst_id = begun.inst_id
        and closes.position_slot = begun.position_slot
        and closes.episode_no = begun.episode_no
inner join latest_orders as opening
    on begun.account_id = opening.account_id and begun.order_id = opening.order_id
inner join entries on begun.account_id = entries.account_id and begun.order_id = entries.order_id
group by closes.account_id, closes.order_id;

create temporary table spans as
select
    claimed.*,
    closes.inst_id, closes.opened_ms, closes.closed_ms, closes.closed, closes.fills_pnl,
    closes.opened, closes.fees, closes.peak,
    (coalesce(closes.opened_ms, claimed.start_ms) - {margin_ms}) / {hour_ms} as first_hour,
    coalesce(closes.closed_ms + {margin_ms}, claimed.filed_at_ms) / {hour_ms} as last_hour
from claimed
left join closes
    on claimed.account_id = closes.account_id and claimed.order_id = closes.order_id;

create temporary table judged as
select
    spans.*,
    latest_orders.pnl + latest_orders.fee as result,
    openings.margin,
    case when latest_orders.order_id is not null then 1 else 0 end as is_known,
    case when (
        select count(*)
        from endpoints
        inner join fetch_windows as windows
            on endpoints.endpoint = windows.endpoint
        where
            endpoints.exchange = spans.exchange
            and windows.account_id
            = case when endpoints.scope = 'market' then spans.policy_inst_id else spans.account_id end
            and windows.window_from_ms between spans.first_hour * {hour_ms}
            and spans.last_hour * {hour_ms}
    ) = (spans.last_hour - spans.first_hour + 1) * (
        select count(*) from endpoints where endpoints.exchange = spans.exchange
    ) then 1 else 0 end as is_read,
    (
        select
            case
                when
                    count(*) >= {least_misses}
                    and max(looked_up_at_ms) - min(looked_up_at_ms) >= {miss_span_ms}
                    then 1
                else 0
            end
        from order_lookups
        where order_lookups.filing_id = spans.filing_id
    ) as is_missed,
    case
        when
            latest_orders.forced_kind in ('full', 'partial', 'takeover')
            and latest_orders.forced_kind = positions.forced_kind
            and latest_orders.forced_kind = entries.ledger_kind
            and latest_orders.forced_kind = entries.ledger_least
            and latest_orders.filled_qty_contracts = spans.closed
            and spans.closed = entries.ledger_qty
            and spans.closed = positions.qty_contracts
            and latest_orders.pnl = spans.fills_pnl
            and latest_orders.pnl = entries.ledger_pnl
            and latest_orders.pnl = positions.pnl
            and spans.opened_ms >= spans.start_ms
            and spans.closed_ms < spans.end_ms
            and spans.filed_at_ms <= spans.file_ms
            and latest_orders.margin_mode = 'isolated'
            and latest_orders.inst_id = spans.policy_inst_id
            and latest_orders.leverage <= spans.policy_leverage * {unit}
            and openings.leverage <= spans.policy_leverage * {unit}
            and -(latest_orders.pnl + latest_orders.fee) * (spans.opened / {unit})
            <= openings.margin * (spans.closed / {unit})
            and case
                when positions.position_side = 'long'
                    then (
                        select min(candles.low_price)
                        from candles
                        where
                            candles.exchange = spans.exchange
                            and candles.inst_id = spans.policy_inst_id
                            and candles.minute_at_ms > spans.closed_ms - {touch_ms} - {minute_ms}
                            and candles.minute_at_ms <= spans.closed_ms + {touch_ms}
                    ) * 1000000 <= positions.trigger_price * (1000000 + {touch_ppm})
                else (
                    select max(candles.high_price)
                    from candles
                    where
                        candles.exchange = spans.exchange
                        and candles.inst_id = spans.policy_inst_id
                        and candles.minute_at_ms > spans.closed_ms - {touch_ms} - {minute_ms}
                        and candles.minute_at_ms <= spans.closed_ms + {touch_ms}
                ) * 1000000 >= positions.trigger_price * (1000000 - {touch_ppm})
            end
            then 1
        else 0
    end as is_good
from spans
left join latest_orders
    on spans.account_id = latest_orders.account_id and spans.order_id = latest_orders.order_id
left join entries on spans.account_id = entries.account_id and spans.order_id = entries.order_id
left join openings on spans.account_id = openings.account_id and spans.order_id = openings.order_id
left join positions
    on spans.account_id = positions.account_id and spans.order_id = positions.order_id;

select
    filing_id,
    case
        when is_read = 0 then 'undetermined'
        when is_known = 0 and is_missed = 0 then 'undetermined'
        when is_known = 0 or is_good = 0 then 'rejected'
        when row_number() over (
            partition by account_id, order_id, is_read * is_known * is_good
            order by filed_at_ms, filing_id
        ) > 1 then 'rejected'
        else 'verified'
    end as verdict,
    {least}(
        principal_micro_usdc * (closed / {unit}) * payout_rate_ppm / (peak / {unit} * 1000000),
        margin * (closed / {unit}) * payout_rate_ppm / ({per_micro} * (opened / {unit}) * 1000000),
        (-result * (opened / {unit}) - fees * (closed / {unit})) / (opened / {unit} * {per_micro}),
        max_payout_micro_usdc,
        {wallet_day_cap}
    ) as amount
from judged;
