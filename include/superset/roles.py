"""Who may do what in Superset: viewers read, operators edit, auditors look behind it all.

A role is a list of what it may do, not Superset's own role less something: what a new version adds
to that one stays out until somebody writes it down here.
"""

from __future__ import annotations

from typing import Any

READING = frozenset(
    {
        "can_csv",
        "can_dashboard",
        "can_dashboard_permalink",
        "can_drill",
        "can_explore",
        "can_explore_json",
        "can_external_metadata",
        "can_external_metadata_by_name",
        "can_fetch_datasource_metadata",
        "can_get",
        "can_get_drill_info",
        "can_language_pack",
        "can_list",
        "can_log",
        "can_query",
        "can_query_form_data",
        "can_read",
        "can_recent_activity",
        "can_share_chart",
        "can_share_dashboard",
        "can_show",
        "can_slice",
        "can_tags",
        "can_time_range",
        "can_userinfo",
        "can_view_chart_as_table",
        "can_view_query",
        "menu_access",
    }
)
# What a page remembers of its own filters; nobody else sees it.
PAGE_STATE = (
    ("can_write", "DashboardFilterStateRestApi"),
    ("can_write", "DashboardPermalinkRestApi"),
    ("can_write", "ExploreFormDataRestApi"),
    ("can_write", "ExplorePermalinkRestApi"),
)
EDITING = (
    ("can_write", "Chart"),
    ("can_write", "Dashboard"),
    ("can_export", "Chart"),
    ("can_export", "Dashboard"),
    ("can_put_chart_customizations", "Dashboard"),
    ("can_write", "SavedQuery"),
)
SQL_LAB = frozenset(
    {"SQL Lab", "SQL Editor", "SQLLab", "TabStateView", "TableSchemaView", "Query Search"}
    | {"Query", "Saved Queries", "SavedQuery", "SqlLabPermalinkRestApi", "Superset"}
)
LOGS = (
    ("can_read", "Log"),
    ("menu_access", "Action Log"),
    ("can_read", "Query"),
    ("all_query_access", "all_query_access"),
)
NOT_FOR_READERS = frozenset({"UserRegistrationsRestAPI", "Action Log", "Plugins", "Tasks"})
ROLES = {
    "viewer": "Dashboard viewer",
    "operator": "Dashboard operator",
    "auditor": "Dashboard auditor",
}
USERS = ("admin", *ROLES)


def define(manager: Any, databases: list[Any], datasets: list[Any]) -> None:
    """Bring the roles to what is written here, over all that was imported."""
    reading = [
        each
        for each in manager.find_role("Gamma").permissions
        if each.permission.name in READING and each.view_menu.name not in NOT_FOR_READERS
    ]
    reading += _given(manager, PAGE_STATE)
    reading += [manager.add_permission_view_menu("datasource_access", one.perm) for one in datasets]
    sql_lab = [each for each in manager.find_role("sql_lab").permissions if _asks(each)]
    sql_lab += [manager.add_permission_view_menu("database_access", one.perm) for one in databases]
    _define(manager, "viewer", reading)
    _define(manager, "operator", [*reading, *sql_lab, *_given(manager, EDITING)])
    _define(manager, "auditor", [*reading, *sql_lab, *_given(manager, LOGS)])


def own(user: Any, items: list[Any]) -> None:
    """Superset lets nobody but administrators and owners change a chart or a dashboard."""
    for item in items:
        if user not in item.owners:
            item.owners.append(user)


def _asks(each: Any) -> bool:
    """Whether a permission of SQL Lab is for asking, not for keeping queries for others."""
    name, view = each.permission.name, each.view_menu.name
    return view in SQL_LAB and (name, view) != ("can_write", "SavedQuery")


def _given(manager: Any, pairs: tuple[tuple[str, str], ...]) -> list[Any]:
    return [manager.add_permission_view_menu(*pair) for pair in pairs]


def _define(manager: Any, user: str, permissions: list[Any]) -> None:
    role = manager.find_role(ROLES[user]) or manager.add_role(ROLES[user])
    role.permissions = list({each.id: each for each in permissions}.values())
    manager.find_user(username=user).roles = [role]
