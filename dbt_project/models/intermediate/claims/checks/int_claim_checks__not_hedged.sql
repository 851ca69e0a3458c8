-- Two insured positions on both sides of one price: one is always liquidated, the other gains what
-- it lost. The same holder's, the same root's or an exact mirror's rejects; a stranger's that
-- gained as much is reviewed, and so is a claim while such a position may be there unread.
with

claims as (
    select * from {{ ref('int_claims__evidenced') }}
),

positions as (
    select
        * exclude (notional_quote, qty_base, result_quote),
        {{ to_time('opened_at_ms') }} as opened_at,
        {{ to_time('closed_at_ms') }} as closed_at,
        {{ exact('notional_quote') }} as notional_quote,
        {{ exact('qty_base') }} as qty_base,
        {{ exact('result_quote') }} as result_quote
    from {{ ref('int_contexts__insured_positions') }}
),

unread as (
    select
        * exclude (unread_from_ms, unread_to_ms),
        {{ to_time('unread_from_ms') }} as unread_from_at,
        {{ to_time('unread_to_ms') }} as unread_to_at
    from {{ ref('int_contexts__unread_accounts') }}
),

limits as (
    {{ thresholds() }}
),

-- Amounts in whole micro-units of the quote currency, quantities in 1e-8 of the asset.
paired as (
    select
        claims.claim_id,
        positions.position_key,
        positions.party_key = claims.party_key or positions.root_key = claims.root_key
            as is_of_holder,
        abs(epoch_ms(positions.opened_at) - epoch_ms(claims.opened_at)) as apart_ms,
        {{ units('positions.notional_quote') }} // 1000000000000 as twin_micro,
        {{ units('claims.opened_notional_quote') }} // 1000000000000 as claimed_micro,
        {{ units('claims.closed_notional_quote') }} // 1000000000000 as closed_micro,
        {{ coarse_units('claims.closed_qty_base') }} as closed_qty,
        {{ coarse_units('positions.qty_base') }} as twin_qty,
        -- Still open at the close, the twin is worth what the close was made at.
        case
            when positions.closed_at <= claims.liquidated_at
                then {{ units('positions.result_quote') }} // 1000000000000 * closed_qty
            else
                if(positions.position_side = 'long', 1, -1)
                * (closed_micro * twin_qty - twin_micro * closed_qty)
        end as profit_by_qty,
        claims.realised_loss_micro_usdc * closed_qty as loss_by_qty,
        limits.*
    from claims
    cross join limits
    inner join positions
        on
            claims.base_asset = positions.base_asset
            and claims.position_side <> positions.position_side
            and claims.position_key <> positions.position_key
            and positions.opened_at >= claims.opened_at - to_seconds(limits.hedge_window_seconds)
            and positions.opened_at <= claims.opened_at + to_seconds(limits.hedge_window_seconds)
    where claims.is_covered_kind
),

twins as (
    select
        *,
        loss_by_qty > 0
        and profit_by_qty * (1000000 // gcd(hedge_profit_ppm, 1000000))
        >= loss_by_qty * (hedge_profit_ppm // gcd(hedge_profit_ppm, 1000000)) as has_gained,
        apart_ms <= hedge_mirror_seconds * 1000
        and twin_micro * 1000000 >= claimed_micro * hedge_mirror_low_ppm
        and twin_micro * 1000000 <= claimed_micro * hedge_mirror_high_ppm as is_mirror
    from paired
    where
        twin_micro * 1000000 >= claimed_micro * hedge_low_ppm
        and twin_micro * 1000000 <= claimed_micro * hedge_high_ppm
),

counted as (
    select
        claim_id,
        count(distinct position_key) as twin_count,
        count(distinct position_key) filter (where has_gained) as gained_count,
        bool_or(has_gained and (is_of_holder or is_mirror)) as is_offset
    from twins
    group by claim_id
),

-- How many other accounts could hold a position nobody has seen.
unseen as (
    select
        claims.claim_id,
        count(distinct unread.account_key) as unread_count
    from claims
    cross join limits
    inner join unread
        on
            claims.base_asset = unread.base_asset
            and {{ pseudonym("claims.exchange || ':' || claims.account_id") }} <> unread.account_key
            and unread.unread_from_at <= claims.opened_at + to_seconds(limits.hedge_window_seconds)
            and unread.unread_to_at > claims.opened_at - to_seconds(limits.hedge_window_seconds)
    where claims.is_covered_kind
    group by claims.claim_id
),

judged as (
    select
        claims.*,
        counted.* exclude (claim_id),
        unseen.unread_count,
        claims.is_covered_kind
        and claims.opened_at is not null
        and claims.opened_notional_quote is not null
        and claims.closed_qty_base is not null
        and claims.realised_loss_micro_usdc is not null as is_measured
    from claims
    left join counted on claims.claim_id = counted.claim_id
    left join unseen on claims.claim_id = unseen.claim_id
),

checked as (
    select
        claim_id,
        'NOT_HEDGED' as check_code,
        {{ check_result(
            'coalesce(gained_count, 0) = 0 and unread_count is null',
            'is_measured and base_asset is not null'
        ) }} as result,
        not coalesce(is_offset, false) as is_hold,
        is_measured as is_applicable,
        concat_ws(
            ' ', coalesce(twin_count, 0), 'insured positions on the other side,',
            coalesce(gained_count, 0), 'of them gained what this one lost'
            || coalesce(
                ', ' || unread_count || ' other insured accounts not read around the opening', ''
            )
        ) as observed,
        'no insured position on the other side that gains from the loss' as expected,
        {{ evidence_ids('evidence_hashes') }} as evidence_ids
    from judged
)

select * from checked
