-- The reliability plot: chance said and share seen, by model and tenth of the chance said.
with

bins as (
    select * from {{ ref('fct_model_reliability') }}
),

models as (
    select * from {{ ref('fct_risk_models') }}
),

placed as (
    select
        bins.*,
        models.is_champion,
        models.data_source
    from bins
    inner join models on bins.model_version = models.model_version
)

select * from placed
