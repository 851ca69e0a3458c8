-- Harm: a hold of no known kind moves the claim into no state that anybody looks at.
select
    check_code,
    may_hold,
    hold_kind
from {{ ref('claim_checks') }}
where may_hold <> coalesce(hold_kind in ('review', 'fraud'), false)
