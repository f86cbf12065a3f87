"""Who may touch which table: only the folder that owns it, and the few that are named here with their reason."""

import ast
import re

from tests.house.repository import files, in_source, text_of
from tests.statements import BEGINS, Statement, statements

OWNERS = {
    "accounts": {"staff", "staff_sessions", "staff_stores", "api_tokens", "audit"},
    "inventory.stores": {"stores", "transfer_routes", "holidays", "holiday_years"},
    "inventory.movements": {"inventory", "movements"},
    "inventory.reservations": {"reservations", "reservation_lines", "stock"},
    "inventory.periods": {"periods", "period_ends"},
    "inventory.closing": {"closing_balances", "closing_costs"},
    "inventory.allocation": {"allocations", "allocation_lines"},
    "inventory.returns": {"returns", "return_lines", "sale_returns"},
    "inventory.stock": {"snapshots", "stock_snapshots", "ledger_checks"},
    "inventory.transfers": {"transfers", "transfer_lines", "transfer_events", "transfer_differences"},
    "inventory.availability": {"lead_times"},
    "inventory.stocktakes": {"stocktakes", "stocktake_lines", "stocktake_counts", "stocktake_retractions"},
    "inventory.recounts": {"recount_flags"},
    "inventory.found": {"found_policies", "found_sales"},
    "inventory.levels": {"stock_levels", "level_alerts", "level_looks", "level_digests"},
    "inventory.buffers": {"channels", "channel_buffers"},
    "inventory.shelves": {"shelf_places"},
    "inventory.marks": {"sold_marks"},
    "catalog.brands": {"brands", "brand_aliases"},
    "catalog.categories": {"categories"},
    "catalog.products": {"products", "barcodes"},
    "catalog.prices": {"prices", "price_types"},
    "catalog.search": {"search_documents", "search_words", "search_changes"},
    "catalog.imports": {"import_files", "import_chunks", "import_runs", "import_problems"},
    "webhooks": {"webhooks", "webhook_deliveries", "webhook_relay"},
    "warehouse.documents": {"bulk_documents", "bulk_lines", "bulk_problems"},
    "selection.recommendations": {"bought_together"},
    "selection.memory": {"selection_changes"},
    "selection.fitment": {
        *("vehicles", "vehicle_engines", "fitments", "fitment_sources", "fitment_absences", "fitment_feedback"),
        *("fitment_purchases", "fitment_hearing"),
    },
    "selection.garage": {"garages", "garage_cars", "garage_readings", "garage_services"},
    "selection.crosses": {"cross_articles", "cross_sources", "crosses", "cross_conflicts"},
    "kit": {
        *("idempotency_keys", "outbox", "worker_heartbeats"),
        *("pgqueuer", "pgqueuer_log", "pgqueuer_schedules", "pgqueuer_statistics"),
    },
}
OWNER = {table: folder for folder, tables in OWNERS.items() for table in tables}

# Read where the answer is one statement, and a second one would cost a round trip or see another moment.
READS = {
    "accounts": {"stores"},  # codes of stores that a person or token is bound to
    "inventory.movements": {"products", "stores", "stock"},  # no place for what is not there
    "inventory.reservations": {"inventory"},  # its rows are locked with the holds on them
    "inventory.returns": {"movements"},  # a sale, and what of it came back
    # The recount proves all of them.
    "inventory.stock": {
        *("inventory", "stock", "movements", "transfer_lines", "reservation_lines", "products"),
        *("returns", "return_lines", "sale_returns"),
    },
    # What can be had of the products of an order, at all stores at once; how a promise stands is how its hold does.
    "inventory.allocation": {
        *("products", "lead_times", "stock", "stores", "transfers", "transfer_lines"),
        *("reservations", "reservation_lines"),
    },
    "inventory.periods": {"stores"},  # the day by the clock of a store
    # A page of history is one statement, at one instant.
    "inventory.history": {
        *("movements", "inventory", "snapshots", "stock_snapshots", "reservations", "reservation_lines"),
    },
    # A report is one statement over the nearest base and all movements since.
    "inventory.stock_on": {
        *("inventory", "movements", "stores", "snapshots", "stock_snapshots"),
        *("periods", "period_ends", "closing_balances"),
    },
    "inventory.value": {
        *("inventory", "movements", "return_lines", "stock_snapshots"),
        *("closing_balances", "closing_costs"),
    },
    "inventory.closing": {"movements", "stock_snapshots", "periods"},
    "inventory.transfers": {"products", "reservations"},  # names on the shipment; does an order still wait for it?
    # Shelves and lead time of a product in one look; of a list, with what is on the way.
    "inventory.availability": {"stock", "products", "transfers", "transfer_lines", "reservations"},
    # What lies there and what moved since, under its locks; who holds it; names and barcodes on the sheet.
    "inventory.stocktakes": {
        *("inventory", "movements", "reservations", "reservation_lines"),
        *("products", "categories", "brands", "brand_aliases", "barcodes", "shelf_places"),
    },
    "inventory.changes": {"movements", "outbox"},  # what changed since a moment, of pieces and of holds
    # A page with what lies there and what is on the way; a digest with the names that people know.
    "inventory.levels": {
        *("inventory", "stock", "stores", "transfers", "transfer_lines", "reservations", "products", "brands"),
    },
    # What a channel may show of products, or of those that changed; and whether a buffer speaks of what there is.
    "inventory.buffers": {"inventory", "stock", "stores", "products", "categories", "movements", "outbox"},
    "inventory.shelves": {"stock", "stores", "products"},  # locks of stores; what of a product is there
    "inventory.marks": {"movements", "barcodes"},  # a sale's place and time; whose GTIN it is
    # One statement for all that is shown of what was scanned, printed or picked.
    "warehouse.scan": {
        *("barcodes", "products", "brands", "prices", "stock", "shelf_places", "sold_marks"),
        *("transfers", "transfer_lines", "reservations", "reservation_lines"),
    },
    "warehouse.labels": {"products", "brands", "barcodes", "prices", "shelf_places", "stores"},
    "warehouse.picking": {
        *("products", "brands", "shelf_places", "stores"),
        *("transfers", "transfer_lines", "reservation_lines"),
    },
    "catalog.products": {"brands", "prices", "price_types"},  # a page of products is one statement
    # What is found is asked of the products themselves, so that it is never older than they are.
    "catalog.search": {"products", "barcodes", "brands", "brand_aliases", "categories", "prices"},
    "catalog.imports": {"brands", "categories", "products", "barcodes", "prices"},
    "selection.crosses": {"brands", "products"},  # a page of conflicts is one statement; whose article is linked
    "webhooks": {"outbox"},  # what happened is copied for whoever is to be told of it, in one statement
    "kit": {"ledger_checks", "webhooks", "webhook_deliveries"},  # /metrics
    # All lines of a document are looked up at once, and what came of it is undone at once.
    "warehouse.documents": {"products", "barcodes", "brands", "brand_aliases", "stock", "movements"},
    # Of what kind a product is; the articles of half a million rows, in the statement that writes them; what the parts
    # are called that did not fit.
    "selection.fitment": {"products", "categories", "cross_articles", "brands"},
    "selection.recommendations": {"movements", "products"},  # purchases, and what is still sold
    "demo": {"products", "stores", "brands", "categories", "movements"},  # only into an empty database
    "dev": {"products", "stores", "brands", "categories"},  # is it empty?
}
# Written by another than the owner.
WRITES = {
    # One statement: a movement, its event and its key are there together or not at all.
    "inventory.movements": {"outbox", "idempotency_keys"},
    # `inventory.reserved` is its to write: a hold and its pieces are there together or not at all.
    "inventory.reservations": {"inventory", "outbox"},
    "webhooks": {"outbox"},
    "inventory.returns": {"outbox"},
    "inventory.stores": {"outbox"},
    "inventory.transfers": {"outbox"},  # a step and its event
    "inventory.allocation": {"outbox"},
    # What is done is told in the same transaction.
    "inventory.stocktakes": {"outbox"},
    "inventory.recounts": {"outbox"},
    "inventory.found": {"outbox"},
    "inventory.levels": {"outbox"},  # a crossing and its event
    "inventory.buffers": {"outbox"},
    "warehouse.documents": {"outbox"},
    "inventory.shelves": {"outbox"},
    "inventory.marks": {"outbox"},
    "inventory.periods": {"outbox", "closing_balances", "closing_costs"},  # reopened, they are forgotten with it
    # A million rows are written as sets, beside the verbs, in one transaction; the ledger's part stays with the ledger.
    "catalog.imports": {"brands", "categories", "products", "barcodes", "prices"},
    # It lays down a whole history, by COPY.
    "demo": {*OWNER} - {"audit"},
}

WRITE = re.compile(r"\b(?:INTO|UPDATE|DELETE\s+FROM|TRUNCATE|ALTER\s+TABLE|LOCK\s+TABLE)\s+(?:ONLY\s+)?([a-z_]+)")
READ = re.compile(r"\b(?:FROM|JOIN|USING)\s+(?:ONLY\s+)?([a-z_]+)")

# Where SQL may stand. Everything else asks one of these.
HOLD_SQL = re.compile(
    r"kit\.\w+|kit\.embedded\.cluster|(\w+\.)*store|catalog\.imports\.(staging|loading)|inventory\.movements\.staged"
    r"|selection\.crosses\.loading|selection\.fitment\.staging"
    r"|inventory\.reservations\.(lapsing|awaiting)"
    r"|demo\.load|dev"
)


def folder_of(statement: Statement) -> str:
    """`inventory.movements.store` → `inventory.movements`; kit and demo are one folder each."""
    parts = statement.module.split(".")
    return parts[0] if parts[0] in ("kit", "demo", "dev", "accounts", "webhooks") else ".".join(parts[:2])


def touched(statement: Statement, how: re.Pattern[str]) -> set[str]:
    return {table for table in how.findall(statement.sql) if table in OWNER}


def test_every_table_has_one_owner() -> None:
    migrated = {
        table
        for path in files()
        if path.startswith("migrations/versions/")
        for table in re.findall(r"^CREATE (?:TABLE|VIEW) (\w+)", text_of(path), re.MULTILINE)
    }
    assert sum(map(len, OWNERS.values())) == len(OWNER)
    assert migrated == set(OWNER)


def test_only_a_folder_itself_writes_its_tables() -> None:
    strangers = {
        str(statement): foreign
        for statement in statements()
        if (
            foreign := touched(statement, WRITE)
            - OWNERS.get(folder_of(statement), set())
            - WRITES.get(folder_of(statement), set())
        )
    }
    assert strangers == {}


def test_only_a_folder_itself_reads_its_tables() -> None:
    strangers = {
        str(statement): foreign
        for statement in statements()
        if (
            foreign := touched(statement, READ)
            - OWNERS.get(folder_of(statement), set())
            - READS.get(folder_of(statement), set())
            - touched(statement, WRITE)
        )
    }
    assert strangers == {}


def test_no_exception_outlives_its_reason() -> None:
    used = {(folder_of(statement), table) for statement in statements() for table in touched(statement, READ)}
    allowed = {(folder, table) for folder, tables in READS.items() for table in tables}
    assert allowed - used == set()


def test_sql_stands_in_the_store() -> None:
    assert {str(statement) for statement in statements() if not HOLD_SQL.fullmatch(statement.module)} == set()


def test_sql_is_a_constant_beside_its_function() -> None:
    """Not written into a call, where no test would find it. Without a table there is nothing to find."""
    hidden = [
        f"{path}:{node.lineno}"
        for path, tree in in_source()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and BEGINS.match(node.value)
        and touched(Statement("", "", node.value), re.compile(r"\b([a-z_]+)\b"))
    ]
    assert hidden == []
