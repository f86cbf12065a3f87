"""SQL of found pieces: who may, and what was sold so."""

from collections.abc import Mapping

from autoshop.inventory.found.model import FoundSale, Policy
from autoshop.kit.db import Connection

POLICY = "SELECT store_id, roles, most_pieces, version FROM found_policies WHERE store_id = $1"
POLICY_AS_IT_STAYS = POLICY + " FOR SHARE"


async def policy(db: Connection, store_id: int, *, keep: bool = False) -> Policy:
    """The store's, or that nobody may; `keep`: nobody changes it until the transaction ends."""
    row = await db.fetchrow(POLICY_AS_IT_STAYS if keep else POLICY, store_id)
    return Policy(row[0], frozenset(row[1]), row[2], row[3]) if row else Policy(store_id)


# Of two who change what neither has read, the second finds a row of another version.
SET_POLICY = """
INSERT INTO found_policies AS p (store_id, roles, most_pieces, updated_by)
SELECT $1, $2, $3, $4
 WHERE $5 = 0
    ON CONFLICT (store_id) DO NOTHING
RETURNING version
"""
CHANGE_POLICY = """
UPDATE found_policies
   SET roles = $2, most_pieces = $3, updated_by = $4, updated_at = clock_timestamp(), version = version + 1
 WHERE store_id = $1 AND version = $5
RETURNING version
"""


async def set_policy(db: Connection, policy: Policy, actor: str) -> bool:
    """Write a policy that was read at `policy.version` (0: there was none); False where it is another by now."""
    sql = CHANGE_POLICY if policy.version else SET_POLICY
    values = (policy.store_id, sorted(policy.roles), policy.most_pieces, actor, policy.version)
    return await db.fetchval(sql, *values) is not None


ADD = """
INSERT INTO found_sales (product_id, store_id, quantity, found, reason, related_document, actor)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING id
"""
TELL = """
INSERT INTO outbox (topic, payload)
VALUES ('inventory.found_sale',
        jsonb_build_object('found_sale_id', $1::bigint, 'product_id', $2::bigint, 'store_id', $3::bigint,
                           'quantity', $4::int, 'found', $5::int))
"""


async def add(
    db: Connection,
    product_id: int,
    store_id: int,
    quantity: int,
    found: int,
    reason: str,
    related_document: str | None,
    actor: str,
) -> int:
    """Write down what was found and sold, and tell of it; its id."""
    sale_id: int = await db.fetchval(ADD, product_id, store_id, quantity, found, reason, related_document, actor)
    await db.execute(TELL, sale_id, product_id, store_id, quantity, found)
    return sale_id


LIST = """
SELECT id, product_id, store_id, quantity, found, reason, related_document, actor, created_at
  FROM found_sales
 WHERE {conditions}
 ORDER BY id DESC
 LIMIT $1
"""
CONDITIONS = {
    "product_id": "product_id =",
    "store_id": "store_id =",
    "actor": "actor =",
    "date_from": "created_at >=",
    "before_id": "id <",
}


async def list_page(db: Connection, filters: Mapping[str, object], limit: int) -> list[FoundSale]:
    """Newest first. `filters` has names of CONDITIONS; those that are None do not count."""
    given = {name: value for name, value in filters.items() if value is not None}
    conditions = [f"{CONDITIONS[name]} ${number}" for number, name in enumerate(given, start=2)]
    sql = LIST.format(conditions="\n   AND ".join(conditions) or "true")
    return [FoundSale(**row) for row in await db.fetch(sql, limit, *given.values())]
