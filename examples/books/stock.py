# The stock of the shop, kept where it survives the server: a copy for each cart until none is left, which the book left
# as an exercise to its reader. Each change is one statement, so two shoppers can never take the same copy.
import sqlite3

TAKEN, RETURNED, UNCHANGED, SOLD_OUT = "taken", "returned", "unchanged", "sold out"


class SQLiteStock:
    """The stock in a file; ``total`` copies when the file is new. Raises sqlite3.Error when it cannot be used."""

    def __init__(self, path, total=10):
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("CREATE TABLE IF NOT EXISTS cart (session TEXT PRIMARY KEY)")
        self._db.execute("CREATE TABLE IF NOT EXISTS stock (id INTEGER PRIMARY KEY CHECK (id = 1), total INTEGER)")
        self._db.execute("INSERT OR IGNORE INTO stock VALUES (1, ?)", (total,))

    def take(self, session):
        """Put a copy into the session's cart; return TAKEN, UNCHANGED if it has one, or SOLD_OUT."""
        change = self._db.execute(
            "INSERT OR IGNORE INTO cart SELECT ? WHERE (SELECT COUNT(*) FROM cart) < (SELECT total FROM stock)",
            (session,),
        )
        if change.rowcount:
            return TAKEN
        return UNCHANGED if self.has(session) else SOLD_OUT

    def give_back(self, session):
        """Take the copy out of the session's cart; return RETURNED, or UNCHANGED if there is none."""
        change = self._db.execute("DELETE FROM cart WHERE session = ?", (session,))
        return RETURNED if change.rowcount else UNCHANGED

    def has(self, session):
        """Return whether a copy is in the session's cart."""
        return self._db.execute("SELECT 1 FROM cart WHERE session = ?", (session,)).fetchone() is not None

    def count(self):
        """Return how many copies are left."""
        return self._db.execute("SELECT total - (SELECT COUNT(*) FROM cart) FROM stock").fetchone()[0]

    def close(self):
        """Close the file."""
        self._db.close()
