-- Harm: a ladder that falls where it should rise hides what a crash would cost.
with

rungs as (
    select
        move,
        move_percent > 0 as is_rise,
        abs(move_percent) as size_percent,
        loss_micro_usdc
    from {{ ref('rpt_pml_ladder') }}
),

compared as (
    select
        *,
        lag(loss_micro_usdc) over (partition by is_rise order by size_percent)
            as smaller_move_micro_usdc
    from rungs
)

select * from compared
where loss_micro_usdc < coalesce(smaller_move_micro_usdc, 0)
