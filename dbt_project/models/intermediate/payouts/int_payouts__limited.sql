-- The running limits (policy, wallet and day, pool and day) overlap, so claims that may meet one
-- are taken one by one; what a limit takes from one claim stays free for the next. A pool is a
-- chain's own, a wallet is the same on all.
with recursive  -- noqa: PRS

queued as (
    select * from {{ ref('int_payouts__queued') }}
),

tight as (
    select
        *,
        row_number() over (order by sequence_no) as turn
    from queued
    where is_tight
),

taken (turn, sequence_no, chain_id, policy_key, party_key, liquidation_date, amount) using key (turn) as (
    select
        0::bigint,
        0::bigint,
        0::bigint,
        ''::varchar,
        ''::varchar,
        null::date,
        0::bigint

    union

    select
        turn,
        sequence_no,
        chain_id,
        policy_key,
        party_key,
        liquidation_date,
        cast(
            {{ at_least_zero(
                lesser(['own_limit', 'policy_room', 'wallet_room', 'pool_room'])
            ) }} as bigint
        )
    from (
        select
            tight.turn,
            tight.sequence_no,
            tight.chain_id,
            tight.policy_key,
            tight.party_key,
            tight.liquidation_date,
            tight.own_limit,
            tight.policy_room - coalesce(sum(earlier.amount) filter (
                where earlier.policy_key = tight.policy_key
            ), 0) as policy_room,
            tight.wallet_room - coalesce(sum(earlier.amount) filter (
                where
                earlier.party_key = tight.party_key
                and earlier.liquidation_date = tight.liquidation_date
            ), 0) as wallet_room,
            tight.pool_room - coalesce(sum(earlier.amount) filter (
                where
                earlier.chain_id = tight.chain_id
                and earlier.liquidation_date = tight.liquidation_date
            ), 0) as pool_room
        from taken
        inner join tight on tight.turn = taken.turn + 1
        cross join recurring.taken as earlier
        group by
            tight.turn,
            tight.sequence_no,
            tight.chain_id,
            tight.policy_key,
            tight.party_key,
            tight.liquidation_date,
            tight.own_limit,
            tight.policy_room,
            tight.wallet_room,
            tight.pool_room
    ) as roomed
),

recomputed as (
    select
        queued.*,
        coalesce(
            taken.amount,
            cast(
                {{ at_least_zero(lesser([
                    'queued.own_limit',
                    'queued.policy_room',
                    'queued.wallet_room',
                    'queued.pool_room'
                ])) }} as bigint
            )
        ) as recomputed_micro_usdc
    from queued
    left join taken on queued.sequence_no = taken.sequence_no
),

limited as (
    select
        claim_id,
        chain_id,
        policy_key,
        party_key,
        liquidation_date,
        sequence_no,
        formula_micro_usdc,
        recomputed_micro_usdc,
        coalesce(planned_micro_usdc, recomputed_micro_usdc) as approved_micro_usdc,
        {{ at_least_zero(
            'formula_micro_usdc - coalesce(planned_micro_usdc, recomputed_micro_usdc)'
        ) }} as capped_micro_usdc,
        planned_micro_usdc is not null as is_planned,
        is_brought
    from recomputed
)

select * from limited
