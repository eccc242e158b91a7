"""The databases of a design: those that are declared, and the unnamed ones that stores and locks
live in (docs/semantics_world.md, "Databases").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from onceproof import models
from onceproof.lang import design as d
from onceproof.lang.diagnostics import Diagnostic
from onceproof.lang.errors import names as name_errors
from onceproof.lang.errors import world as errors
from onceproof.lang.resolve.models import chosen, model_of, sound
from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n

GENERIC = "unnamed.generic"
CACHE = "unnamed.cache"
_LEVELS: Mapping[str, d.Isolation] = {
    "read-committed": d.Isolation.READ_COMMITTED,
    "snapshot": d.Isolation.SNAPSHOT,
    "serializable": d.Isolation.OPTIMISTIC,
}
"""The levels of a generic database, as ``isolation`` names them."""
_WORDS: Mapping[str, str] = {
    "read-committed": "read committed",
    "snapshot": "snapshot",
    "serializable": "serializable",
}
"""How the level begins that ``isolation`` behind a ``database`` asks of a product."""


class _Place(Struct, frozen=True):
    """A declaration that lives in an unnamed database: its name, its model, where it stands."""

    name: str
    use: d.ModelUse | None
    ref: n.ModelRef | None
    span: Span


class DatabaseMaker:
    """Finds where stores and locks live, and what their databases do. ``diagnostics`` takes what is
    wrong.
    """

    def __init__(
        self, names: Mapping[str, tuple[str, Span]], diagnostics: list[Diagnostic]
    ) -> None:
        self.names = names
        self.diagnostics = diagnostics
        self._databases: dict[str, d.Database] = {}
        self._living: dict[str, list[_Place]] = {}
        self._synchronous: set[str] = set()

    def declare(self, decl: n.DatabaseDecl) -> None:
        """A database with a name."""
        use = chosen(decl.model, "database", self.diagnostics)
        name = decl.name.text
        made = d.Database(name, None, f"`{name}`", decl.name.span, model=use)
        if use:
            made = _with_traits(made, [self._traits(use, {})])
            made = replace(made, words=f"`{name}` ({made.product})")
            self._store_options(decl, use)
            if self._traits(use, {}).synchronous:
                self._synchronous.add(name)
        if decl.replicated and name not in self._synchronous:
            made = replace(made, fails_over=True)
        if decl.isolation:
            made = self._at_level(made, decl.isolation, use)
        self._databases.setdefault(name, made)

    def store(self, decl: n.StoreDecl, use: d.ModelUse | None) -> str:
        """The database of a store. ``use``: the model behind its ``via``."""
        if decl.database:
            if decl.model:
                ref, named = decl.model, decl.database
                self.diagnostics.append(
                    errors.in_and_via(named.text, named.span, ref.name, ref.span)
                )
            if decl.inside:
                outer, inner = f"in {decl.database.text}", f"inside {decl.inside.text}"
                self.diagnostics.append(
                    name_errors.contradiction(outer, decl.database.span, inner, decl.inside.span)
                )
            return decl.database.text if self._is_database(decl.database) else GENERIC
        name = GENERIC
        if decl.inside:
            name = f"broker.{decl.inside.text}"
        elif use:
            name = _unnamed(use)
        elif decl.cache:
            name = CACHE
        place = _Place(decl.name.text, use, decl.model, decl.name.span)
        self._living.setdefault(name, []).append(place)
        return name

    def model_behind(self, decl: n.StoreDecl) -> d.ModelUse | None:
        """The model of the database that a store is declared ``in``."""
        known = self._databases.get(decl.database.text) if decl.database else None
        return known.model if known else None

    def lock(self, decl: n.LockDecl, use: d.ModelUse | None, stores: Mapping[str, d.Store]) -> str:
        """The database of a lock; empty for one in a lock service."""
        if decl.store:
            if decl.store.text in stores:
                return stores[decl.store.text].database
            return decl.store.text if decl.store.text in self._databases else ""
        if use is None or not self._traits_of_lock(use).database:
            return ""
        name = f"unnamed.{self._traits_of_lock(use).database}"
        place = _Place(decl.name.text, None, None, decl.name.span)
        self._living.setdefault(name, []).append(place)
        return name

    def queue(self, decl: n.QueueDecl, use: d.ModelUse | None) -> str | None:
        """The database of a queue; None for one that lives in a broker."""
        if decl.database is not None:
            return decl.database.text
        if use is None:
            return None
        model = models.brokers(Path(use.beside))[use.name]
        product = model.switches(sound(model, use)).database
        if not product:
            return None
        place = _Place(decl.name.text, None, None, decl.name.span)
        self._living.setdefault(f"unnamed.{product}", []).append(place)
        return f"unnamed.{product}"

    def single_requests(self, name: str | None) -> bool:
        """Whether there are no sessions there; ``name`` of a database, None for a lock service."""
        if name is None:
            return False
        if name not in self._databases and name not in self._living:
            return False
        database = self._databases.get(name) or self._unnamed(name, self._living[name])
        return database.isolation is d.Isolation.SINGLE_REQUESTS

    def every(self, stores: Iterable[n.StoreDecl]) -> dict[str, d.Database]:
        """All databases, the declared ones first; after every store and lock has its place."""
        for name, living in self._living.items():
            self._databases[name] = self._unnamed(name, living)
        for decl in stores:
            if decl.replicated:
                self._replicated(decl, list(stores))
        return dict(self._databases)

    # -- what they do

    def _unnamed(self, name: str, living: list[_Place]) -> d.Database:
        kind, product = name.split(".", 1)
        span = living[0].span
        if kind == "broker":
            return d.Database(name, None, f"the broker of `{product}`", span, broker=product)
        if name == GENERIC:
            return d.Database(name, None, "the unnamed database", span)
        if name == CACHE:
            return d.Database(
                name,
                None,
                "the unnamed cache",
                span,
                d.Isolation.SINGLE_REQUESTS,
                None,
                picks_victims=False,
            )
        shared = self._shared_options(product, living)
        uses = [place.use for place in living if place.use]
        traits = [self._traits(use, shared) for use in uses] or [_product_traits(product)]
        if any(t.synchronous for t in traits):
            self._synchronous.add(name)
        made = d.Database(name, product, product, span, model=uses[0] if uses else None)
        return _with_traits(made, traits)

    def _shared_options(self, product: str, living: list[_Place]) -> dict[str, str]:
        """The options of the database that its stores give."""
        given: dict[str, tuple[str, Span]] = {}
        for place in living:
            if place.use is None or place.ref is None:
                continue
            model = model_of(place.use, "store")
            for argument in place.ref.arguments:
                option, value = argument.name.text, argument.value.text
                if option not in model.options or model.options[option].scope != "database":
                    continue
                first = given.setdefault(option, (value, argument.value.span))
                if first[0] != value:
                    pair, where = (first[0], value), argument.value.span
                    self.diagnostics.append(
                        errors.two_values(option, pair, where, first[1], product)
                    )
        return {option: value for option, (value, _) in given.items()}

    def _traits(self, use: d.ModelUse, shared: Mapping[str, str]) -> models.Traits:
        """What a store's model says about its database, under the options of the database."""
        model = model_of(use, "store")
        known = {k: x for k, x in shared.items() if k in model.options}
        assert isinstance(model, models.Keeper)
        return model.traits({**sound(model, use), **known})

    def _traits_of_lock(self, use: d.ModelUse) -> models.Traits:
        model = model_of(use, "lock")
        assert isinstance(model, models.Keeper)
        return model.traits(sound(model, use))

    def _at_level(self, database: d.Database, level: n.Name, use: d.ModelUse | None) -> d.Database:
        """The database at the level that its line asks for."""
        if use is None:
            return replace(database, isolation=_LEVELS[level.text])
        model = model_of(use, "store")
        assert isinstance(model, models.Keeper)
        levels = model.levels
        asked = levels.get(level.text) or next(
            (x for x in levels.values() if x.startswith(_WORDS[level.text])), None
        )
        if asked is None:
            product = database.product or use.name
            self.diagnostics.append(errors.no_level(level.text, level.span, product, levels))
            return database
        if "isolation" in dict(use.options):
            self.diagnostics.append(name_errors.twice("isolation of it", level.span, database.span))
        return replace(database, isolation=d.Isolation(asked))

    def _store_options(self, decl: n.DatabaseDecl, use: d.ModelUse) -> None:
        """Options of a store do not stand behind a database."""
        model = model_of(use, "store")
        for argument in decl.model.arguments if decl.model else ():
            option = model.options.get(argument.name.text)
            if option is not None and option.scope != "database":
                why = "it belongs to a store, not to a database"
                fix = "write `expires 24h` behind the store" if option.kind == "duration" else None
                self.diagnostics.append(
                    errors.changes_nothing(option.name, argument.name.span, why, fix)
                )

    def _is_database(self, name: n.Name) -> bool:
        declared = self.names.get(name.text)
        if declared and declared[0] == "database":
            return True
        options = [w for w, (k, _) in self.names.items() if k == "database"]
        self.diagnostics.append(
            name_errors.unknown("database", name.text, name.span, options, declared)
        )
        return False

    def _replicated(self, decl: n.StoreDecl, stores: list[n.StoreDecl]) -> None:
        """A store that is replicated takes its whole database with it."""
        name = self._name_of(decl)
        database = self._databases.get(name)
        if database is None:
            return
        others = [
            s.name.text
            for s in stores
            if s is not decl and not s.replicated and self._name_of(s) == name
        ]
        if others and not database.fails_over:
            self.diagnostics.append(
                errors.others_go_back(decl.name.text, decl.span, others, database.words)
            )
        if name not in self._synchronous:
            self._databases[name] = replace(database, fails_over=True)

    def _name_of(self, decl: n.StoreDecl) -> str:
        if decl.database:
            return decl.database.text
        return next(
            (
                name
                for name, living in self._living.items()
                if any(p.span == decl.name.span for p in living)
            ),
            "",
        )


def _unnamed(use: d.ModelUse) -> str:
    """The unnamed database of a product."""
    model = models.stores(Path(use.beside))[use.name]
    return f"unnamed.{model.traits(sound(model, use)).database or use.name}"


def _product_traits(product: str) -> models.Traits:
    """What a product's database does where only a lock names it."""
    shelf = models.stores()
    return shelf[product].traits({}) if product in shelf else models.Traits()


def _with_traits(database: d.Database, traits: list[models.Traits]) -> d.Database:
    """The database with what the models of its stores say; what one of them says holds for all."""
    first = traits[0]
    single = first.isolation == d.Isolation.SINGLE_REQUESTS.value
    return replace(
        database,
        product=first.database or (database.model.name if database.model else None),
        isolation=d.Isolation(first.isolation),
        serializable=None if first.serializable == "none" else d.Isolation(first.serializable),
        snapshots=d.Snapshots(first.snapshots),
        waits_to_decide=first.waits_to_decide,
        same_value_changes=first.snapshots == "postgresql",
        rechecks=any(t.rechecks for t in traits),
        stale_reads=any(t.stale_reads or t.per_region for t in traits),
        fails_over=any(t.replicated for t in traits),
        repeats=any(t.repeats for t in traits),
        per_region=any(t.per_region for t in traits),
        picks_victims=not single,
    )
