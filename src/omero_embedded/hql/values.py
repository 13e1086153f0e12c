"""Expressions of the tree made values with types; part of the second room."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from omero_embedded import tables
from omero_embedded.hql import tree
from omero_embedded.hql.comparing import (
    MistakeError,
    calculated,
    expected_of,
    fitted,
)
from omero_embedded.hql.functions import CASTS, EPOCH, FUNCTIONS, TIME_FIELDS
from omero_embedded.hql.parse import HqlError
from omero_embedded.hql.paths import Details, Many, Pairs, Place, Pointer, Scope, class_of
from omero_embedded.hql.resolved import (
    BOOL,
    DOUBLE,
    FLOAT,
    INT,
    LONG,
    STRING,
    UNKNOWN,
    Column,
    Constant,
    Mistake,
    Nested,
    Operation,
    Output,
    Source,
    Type,
    Value,
    Variable,
)
from omero_embedded.schema import CLASSES, ModelClass

_NUMBERS = {"int": INT, "long": LONG, "float": FLOAT, "double": DOUBLE}
_LARGEST = {"int": 2**31, "long": 2**63}
AGGREGATES = (
    *("count", "count distinct", "count rows", "sum", "avg", "min", "max"),
    *("stddev", "variance"),
)


class Values:
    """Makes values of the expressions of one query.

    Parameters
    ----------
    scope
        The names of the query.
    nested
        What resolves a sub-query, with this scope around it.
    """

    def __init__(self, scope: Scope, nested: Callable[[tree.Query, Scope], Nested]) -> None:
        self.scope = scope
        self.in_select = False
        self._nested = nested

    # ------------------------------------------------------------ conditions
    #
    # Which of the three may stand where says Hibernate's grammar of trees (`hql-sql.g`): `logicalExpr` is a condition,
    # `exprOrSubquery` a value and `expr` an expression here. A path alone is no condition there, not even a bool's.
    def condition(self, node: tree.Expression) -> Value:
        """Return a condition.

        Raises
        ------
        HqlError
            It is none, or names something that does not exist.
        """
        if not _is_condition(node):
            raise HqlError(f"unexpected AST node: {type(node).__name__.lower()}")
        return self._made(node)

    def value(self, node: tree.Expression, expected: Type = UNKNOWN) -> Value:
        """Return the value of an expression or a sub-query.

        Parameters
        ----------
        expected
            The type that a parameter in this place must have.

        Raises
        ------
        HqlError
            It names something that does not exist, or stands where it cannot.
        """
        if _is_condition(node) or isinstance(node, tree.CollectionOf):
            raise HqlError(f"unexpected AST node: {type(node).__name__.lower()}")
        if isinstance(node, tree.Parameter):
            return self.variable(node, expected)
        return self._made(node)

    def expression(self, node: tree.Expression, expected: Type = UNKNOWN) -> Value:
        """Return the value of an expression: `value` where no sub-query can stand."""
        if isinstance(node, tree.Subquery | tree.Quantified):
            raise HqlError("unexpected AST node: query")
        return self.value(node, expected)

    def _made(self, node: tree.Expression) -> Value:
        make = getattr(self, f"_{type(node).__name__.lower()}", None)
        if make is None:
            raise HqlError(f"{type(node).__name__.lower()} cannot stand here")
        return cast("Value", make(node))

    def variable(self, node: tree.Parameter, expected: Type, *, many: bool = False) -> Variable:
        """Return a parameter, noted among those of the query."""
        made = Variable(node.name, expected, many)
        self.scope.query.variables.append(made)
        return made

    _parameter = variable

    def _mistake(self, text: str, *, of_data: bool = False) -> None:
        self.scope.query.mistakes.append(Mistake(text, of_data))

    def _all(self, node: tree.All) -> Value:
        return Operation("and", tuple(map(self.condition, node.terms)), BOOL)

    def _any(self, node: tree.Any) -> Value:
        return Operation("or", tuple(map(self.condition, node.terms)), BOOL)

    def _not(self, node: tree.Not) -> Value:
        return Operation("not", (self.condition(node.term),), BOOL)

    def _comparison(self, node: tree.Comparison) -> Value:
        if isinstance(node.left, tree.Items) and isinstance(node.right, tree.Items):
            return self._rows_compared(node.operator, node.left.items, node.right.items)
        left, right = self._both(node.left, node.right)
        return self._compared(node.operator, left, right)

    def _rows_compared(
        self,
        operator: str,
        left: tuple[tree.Expression, ...],
        right: tuple[tree.Expression, ...],
    ) -> Value:
        """Return the comparison of two rows of values: `(d.id, d.name) = (:id, :name)`."""
        if operator not in ("=", "!="):
            raise HqlError("rows of values can only be equal or not")
        if len(left) != len(right):
            self._mistake("unequal number of entries in row expressions")
        pairs = zip(left, right, strict=False)
        equal = tuple(self._compared("=", *self._both_expressions(a, b)) for a, b in pairs)
        return self._negated_if(operator == "!=", Operation("and", equal, BOOL))

    def _both(self, left: tree.Expression, right: tree.Expression) -> tuple[Value, Value]:
        """Return two values, a parameter among them with the type of the other."""
        if isinstance(left, tree.Parameter):
            other = self.value(right)
            return self.variable(left, expected_of(other)), other
        first = self.value(left)
        return first, self.value(right, expected_of(first))

    def _both_expressions(
        self, left: tree.Expression, right: tree.Expression
    ) -> tuple[Value, Value]:
        for node in (left, right):
            if isinstance(node, tree.Subquery | tree.Quantified):
                raise HqlError("unexpected AST node: query")
        return self._both(left, right)

    def _compared(self, operator: str, left: Value, right: Value) -> Value:
        try:
            left, right = fitted(left, right)
        except MistakeError as mistake:
            self.scope.query.mistakes.append(mistake.mistake)
        return Operation(operator, (left, right), BOOL)

    def _negated_if(self, negated: bool, value: Value) -> Value:
        return Operation("not", (value,), BOOL) if negated else value

    def _isnull(self, node: tree.IsNull) -> Value:
        return self._negated_if(node.negated, Operation("is null", (self.value(node.value),), BOOL))

    def _isempty(self, node: tree.IsEmpty) -> Value:
        if not isinstance(node.collection, tree.Path):
            raise HqlError("only a collection can be empty")
        exists = Operation("exists", (self._collection_query(node.collection),), BOOL)
        return self._negated_if(not node.negated, exists)

    def _between(self, node: tree.Between) -> Value:
        low, high = (
            tree.Comparison(">=", node.value, node.low),
            tree.Comparison("<=", node.value, node.high),
        )
        return self._negated_if(
            node.negated, Operation("and", (self._comparison(low), self._comparison(high)), BOOL)
        )

    def _like(self, node: tree.Like) -> Value:
        value, pattern = self._both(node.value, node.pattern)
        for side in (value, pattern):
            if side.type.kind not in ("string", "unknown"):
                self._mistake(f"operator does not exist: {side.type.kind} ~~ text")
        if node.escape is not None and not isinstance(node.escape, tree.Text):
            raise HqlError("the character after escape must be written out")
        escape = () if node.escape is None else (self.value(node.escape),)
        return self._negated_if(node.negated, Operation("like", (value, pattern, *escape), BOOL))

    def _in(self, node: tree.In) -> Value:
        return self._negated_if(node.negated, self._among(node))

    def _among(self, node: tree.In) -> Value:
        choices = node.choices
        if isinstance(choices, (tree.Path, tree.CollectionOf)):
            path = choices if isinstance(choices, tree.Path) else choices.path
            place = self.place(path)
            if isinstance(place, (Many, Pairs)) and isinstance(choices, tree.Path):
                return Operation(
                    "in", (self.value(node.value), self._unwritten("a collection")), BOOL
                )
            if isinstance(place, (Many, Pairs)):
                self._refuse_filtered(place)
                nested = self._collection_query(path)
                return Operation(
                    "in query", fitted(self.value(node.value, nested.type), nested), BOOL
                )
            choices = tree.Items((path,))
        if isinstance(choices, tree.Subquery):
            nested = self._nested(choices.query, self.scope)
            return self._compared("in query", self.value(node.value, nested.type), nested)
        items = choices.items if isinstance(choices, tree.Items) else (choices,)
        if isinstance(node.value, tree.Parameter):
            first = next(
                (self.expression(i) for i in items if not isinstance(i, tree.Parameter)), None
            )
            value: Value = self.variable(
                node.value, UNKNOWN if first is None else expected_of(first)
            )
        else:
            value = self.value(node.value)
        found: list[Value] = []
        for item in items:
            if isinstance(item, tree.Parameter):
                found.append(self.variable(item, expected_of(value), many=True))
            else:
                compared = cast("Operation", self._compared("=", value, self.expression(item)))
                found.append(compared.operands[1])
        return Operation("in", (value, *found), BOOL)

    def _memberof(self, node: tree.MemberOf) -> Value:
        nested = self._collection_query(node.collection)
        return self._negated_if(
            node.negated, self._compared("in query", self.value(node.value, nested.type), nested)
        )

    def _quantified(self, node: tree.Quantified) -> Value:
        if isinstance(node.source, tree.Subquery):
            nested = self._nested(node.source.query, self.scope)
        else:
            path = node.source if isinstance(node.source, tree.Path) else node.source.path
            self._refuse_filtered(self.place(path))
            nested = self._collection_query(path)
        name = "any" if node.quantifier == "some" else node.quantifier
        return Operation(name, (nested,), BOOL if name == "exists" else nested.type)

    # ------------------------------------------------------------ constants
    def _number(self, node: tree.Number) -> Value:
        kind = node.kind
        if kind == "int" and abs(node.value) >= _LARGEST["int"]:
            kind = "long"
        if kind == "long" and abs(node.value) >= _LARGEST["long"]:
            raise HqlError(f"Could not parse number: {node.value}")
        return Constant(node.value, _NUMBERS[kind])

    def _text(self, node: tree.Text) -> Value:
        return Constant(node.value, STRING)

    def _truth(self, node: tree.Truth) -> Value:
        return Constant(node.value, BOOL)

    def _null(self, _node: tree.Null) -> Value:
        return Constant(None, UNKNOWN)

    # ------------------------------------------------------------ calculating
    def _arithmetic(self, node: tree.Arithmetic) -> Value:
        left, right = self._both_expressions(node.left, node.right)
        kind = UNKNOWN
        try:
            kind = calculated(node.operator, left.type, right.type)
        except MistakeError as mistake:
            self.scope.query.mistakes.append(mistake.mistake)
        return Operation(node.operator, (left, right), kind)

    def _negative(self, node: tree.Negative) -> Value:
        value = self.expression(node.value)
        return Operation("negative", (value,), value.type)

    def _concatenation(self, node: tree.Concatenation) -> Value:
        return self._concatenated(tuple(map(self.value, node.terms)))

    def _concatenated(self, values: tuple[Value, ...]) -> Value:
        """Return texts joined; something else can be joined to a text, but not to its like."""
        if not any(v.type.kind in ("string", "unit", "unknown") for v in values[:2]):
            self._mistake(
                " || ".join(["operator does not exist: ", *(v.type.kind for v in values[:2])])
            )
        return Operation("concat", tuple(map(_told, values)), STRING)

    def _case(self, node: tree.Case) -> Value:
        parts: list[Value] = []
        for when in node.whens:
            if node.operand is None:
                parts.append(self.condition(when.condition))
            else:
                sides = self._both_expressions(node.operand, when.condition)
                parts.append(self._compared("=", *sides))
            parts.append(self.expression(when.value))
        if node.otherwise is not None:
            parts.append(self.expression(node.otherwise))
        return Operation("case", tuple(parts), parts[1].type)  # Hibernate looks at the first result

    def _aggregate(self, node: tree.Aggregate) -> Value:
        if node.value is None:
            return Operation("count rows", (), LONG)
        if isinstance(node.value, tree.CollectionOf) and self.in_select:
            place = self.joined(self.place(node.value.path), "inner")
            members = self.scope.add(place)
            value: Value = Column(members, "id", members.type)
        else:
            value = self.selected(node.value, alone=True)
        if value.type.kind == "quantity" or (
            node.function in ("min", "max") and value.type.kind == "bool"
        ):
            self._mistake(f"function {node.function}({value.type.kind}) does not exist")
        if node.function == "count":
            return Operation("count distinct" if node.distinct else "count", (value,), LONG)
        if (
            node.function in ("sum", "avg")
            and not value.type.is_number
            and value.type.kind != "unknown"
        ):
            self._mistake(f"function {node.function}({value.type.kind}) does not exist")
        kinds = {"avg": DOUBLE, "sum": DOUBLE if value.type in (FLOAT, DOUBLE) else LONG}
        return Operation(node.function, (value,), kinds.get(node.function, value.type))

    # ------------------------------------------------------------ functions
    def _call(self, node: tree.Call) -> Value:
        if node.name == "type":
            return self._type_of(node)
        if node.name in ("size", "index", "minindex", "maxindex", "minelement", "maxelement"):
            return self._of_collection(node)
        values = tuple(map(self.value, node.arguments))
        types = [v.type for v in values]
        function = FUNCTIONS.get(node.name)
        if function is None or not function.at_least <= len(node.arguments) <= function.at_most:
            self._mistake(f"function {node.name} does not exist")
            return Operation("unknown function", values, UNKNOWN)
        if types and not function.accepts(types[0]):
            self._mistake(f"function {node.name}({types[0].kind}) does not exist")
        if node.name == "concat":
            return self._concatenated(values)
        return Operation(node.name, values, function.gives(types))

    def _cast(self, node: tree.Cast) -> Value:
        kind = CASTS.get(node.type)
        if kind is None:
            raise HqlError(f"Could not resolve requested type for CAST : {node.type}")
        return Operation("cast", (self.value(node.value),), kind)

    def _extract(self, node: tree.Extract) -> Value:
        if node.field not in (*TIME_FIELDS, EPOCH):
            raise HqlError(f"nothing called {node.field} can be extracted")
        moment = self.value(node.value)
        if moment.type.kind not in ("time", "unknown"):
            self._mistake(f"function extract(unknown, {moment.type.kind}) does not exist")
        return Operation(node.field, (moment,), INT)

    def _trim(self, node: tree.Trim) -> Value:
        character = () if node.character is None else (self.value(node.character, STRING),)
        value = self.value(node.value)
        if not FUNCTIONS["lower"].accepts(value.type):
            self._mistake(f"function trim({value.type.kind}) does not exist")
        return Operation(f"trim {node.side}", (value, *character), STRING)

    def _type_of(self, node: tree.Call) -> Value:
        if len(node.arguments) != 1 or not isinstance(node.arguments[0], tree.Path):
            raise HqlError("type() discriminator reference has no path!")
        place = self.place(node.arguments[0])
        if isinstance(place, Pointer):
            place = self.scope.follow(place)
        value = class_of(place) if isinstance(place, Source) else place
        if not isinstance(value, (Column, Constant)) or value.type.kind != "class":
            raise HqlError("type() asks for the class of an object")
        kind = Type("javaclass", value.type.of)
        return (
            Column(value.source, value.name, kind)
            if isinstance(value, Column)
            else Constant(value.value, kind)
        )

    def _of_collection(self, node: tree.Call, *, by_property: bool = False) -> Value:
        """Return what `size`, `index` and their kin say about a collection; `by_property`: written as `d.images.size`."""
        if len(node.arguments) != 1 or not isinstance(node.arguments[0], tree.Path):
            raise HqlError(f"{node.name} asks for a collection")
        path = node.arguments[0]
        if node.name == "index":
            return self.place_in_list(self.place(path))
        place = self.place(path)
        if node.name.endswith("index") and isinstance(place, Source):
            at = self.place_in_list(place)
            return Operation(node.name[:3], (at,), at.type)
        if self.in_select and isinstance(place, Many) and not by_property:
            return self._aggregate_of(node.name, place)
        self._refuse_filtered(place)
        nested = self._collection_query(path)
        (source,) = (s for s in nested.query.sources if s.explicit)
        value: Value = nested.query.outputs[0].value
        if node.name.endswith("index"):
            value = self.place_in_list(source)
        aggregate = "count" if node.name == "size" else node.name[:3]
        kind = LONG if node.name == "size" else value.type
        nested.query.outputs[0] = Output(Operation(aggregate, (value,), kind), None)
        return Nested(nested.query, INT if node.name == "size" else kind)

    def _aggregate_of(self, name: str, place: Many) -> Value:
        """Return what is selected of a collection: Hibernate joins it and makes the query one of aggregates."""
        source = self.scope.add(self.joined(place, "inner"))
        if name == "size":
            return Operation("count", (Column(source, "id", source.type),), INT)
        value = self.place_in_list(source) if name.endswith("index") else None
        value = value or Column(source, "id", source.type)
        return Operation(name[:3], (value,), value.type)

    def _refuse_filtered(self, place: Place) -> None:
        """Refuse what makes a sub-query of a collection outside of what is selected.

        The real server's Hibernate writes it without the parameters of the filters that hide what one may not see
        (`CollectionSubqueryFactory`), and the database misses them. Collections of classes that all may see (and
        maps) have no filters; `is empty`, `member of` and `exists (from d.images)` are sub-queries of another make.
        """
        if isinstance(place, Many) and not CLASSES[place.collection.target].is_global:
            self._mistake("No value specified for parameter", of_data=True)

    def place_in_list(self, place: Place) -> Column:
        """Return the place of a member in its ordered collection.

        Raises
        ------
        HqlError
            It is in none.
        """
        if isinstance(place, Source) and place.pairs:
            return Column(place, "position", INT)
        if isinstance(place, Source) and place.collection is not None and place.collection.ordered:
            return Column(place, tables.index_column_name(place.collection), INT)
        raise HqlError("index() asks for a member of an ordered collection")

    def _index_column(self, name: str) -> Column | None:
        """Return the place in an ordered collection by its column's name, which Hibernate hands on to the database."""
        found = [
            source
            for source in self.scope.query.sources
            if source.pairs is None
            and any(
                c.ordered and tables.index_column_name(c) == name and c.target == source.cls
                for cls in CLASSES.values()
                for c in cls.collections
            )
        ]
        return Column(found[0], name, INT) if len(found) == 1 else None

    # ------------------------------------------------------------ paths
    def place(self, path: tree.Path) -> Place:
        """Return where a path leads.

        Raises
        ------
        HqlError
            Nowhere.
        """
        found = self.scope.begin(path.names)
        if found is None:
            raise HqlError(f"Invalid path: '{'.'.join(path.names)}'")
        place, names = found
        for name in names:
            place = self.scope.step(place, name)
        return place

    def _path(self, node: tree.Path) -> Value:
        if node.names[-1].lower() == "size" and len(node.names) > 1:
            shorter = tree.Path(node.names[:-1])
            if self.scope.begin(shorter.names) and isinstance(self.place(shorter), (Many, Pairs)):
                return self._of_collection(tree.Call("size", (shorter,)), by_property=True)
        if self.scope.begin(node.names) is None:
            return self._word(node)
        return self._value_at(self.place(node))

    def _word(self, node: tree.Path) -> Value:
        """Return what a name means that is no alias and no property: a class, a function without brackets."""
        cls = class_named(node)
        if cls is not None:
            return Constant(cls.name, Type("class", cls.root.name))
        name = node.names[0].lower()
        if len(node.names) > 1:
            raise HqlError(f"Invalid path: '{'.'.join(node.names)}'")
        place = self._index_column(name)
        if place is not None:
            return place
        if name in FUNCTIONS and FUNCTIONS[name].at_least == 0:
            return Operation(name, (), FUNCTIONS[name].gives(()))
        self._mistake(f'column "{node.names[0]}" does not exist')
        return Operation("unknown function", (), UNKNOWN)

    def _value_at(self, place: Place) -> Value:
        if isinstance(place, Source):
            return self._unwritten("a pair") if place.pairs else Column(place, "id", place.type)
        if isinstance(place, Pointer):
            return Column(place.source, place.column, Type("entity", place.target))
        if isinstance(place, Details):
            raise HqlError("details cannot be compared")
        if isinstance(place, (Many, Pairs)):
            return self._unwritten("a collection")
        return place

    def _unwritten(self, what: str) -> Value:
        """Return what stands for something that Hibernate has no SQL for: it writes nonsense, and the database refuses it."""
        self._mistake(f'syntax error at or near "." ({what} is no value)')
        return Operation("unknown function", (), UNKNOWN)

    def selected(self, node: tree.Expression, *, alone: bool = False) -> Value:
        """Return the value of something selected or counted: a reference there is followed, as Hibernate does.

        `alone` says that no sub-query can stand there.
        """
        if isinstance(node, tree.Path) and self.scope.begin(node.names) is not None:
            place = self.place(node)
            if isinstance(place, Pointer):
                return self._value_at(self.scope.follow(place))
        return self.expression(node) if alone else self.value(node)

    def _element(self, node: tree.Element) -> Value:
        if not isinstance(node.collection, tree.Path):
            raise HqlError("only a collection has elements")
        place: Place = self.joined(self.place(node.collection), "inner", node.index)
        for name in node.names:
            place = self.scope.step(place, name)
        return self._value_at(place)

    def joined(
        self, place: Place, kind: tree.JoinKind, index: tree.Expression | None = None
    ) -> Source:
        """Join what a path leads to: the members of a collection, the pairs of a map, what a reference points to.

        Raises
        ------
        HqlError
            There is nothing to join.
        """
        if isinstance(place, Many):
            source = member_source(place, kind)
        elif isinstance(place, Pairs):
            source = Source(place.owner, place.source, kind, place.field, pairs=place.field)
        elif isinstance(place, Pointer) and index is None:
            source = self.scope.pointed(place, kind)
        else:
            raise HqlError("Path expected for join!")
        if index is not None:
            column = self.place_in_list(source)
            source.conditions.append(self._compared("=", column, self.value(index, INT)))
            self.scope.add(source)
        return source

    def _subquery(self, node: tree.Subquery) -> Value:
        return self._nested(node.query, self.scope)

    def _collection_query(self, path: tree.Path) -> Nested:
        """Return the members of a collection as a sub-query."""
        place = self.place(path)
        if not isinstance(place, (Many, Pairs)):
            raise HqlError(f"{'.'.join(path.names)} is no collection")
        inner = Scope(self.scope)
        source = Values(inner, self._nested).joined(place, "inner")
        source.explicit = True
        inner.add(source)
        value = (
            Column(source, "value", STRING) if source.pairs else Column(source, "id", source.type)
        )
        return nested_of(inner, value)


PRIVATE_NAMES = ("firstName", "middleName", "lastName", "email", "institution")
"""Columns of Experimenter that the real server shows to some people only."""


_CONDITIONS = (
    *(tree.All, tree.Any, tree.Not, tree.Comparison, tree.IsNull, tree.IsEmpty),
    *(tree.In, tree.Between, tree.Like, tree.MemberOf),
)


def _is_condition(node: tree.Expression) -> bool:
    return isinstance(node, _CONDITIONS) or (
        isinstance(node, tree.Quantified) and node.quantifier == "exists"
    )


def _told(value: Value) -> Value:
    """Return what a text joined to others holds.

    The real server's database gives private names as «id;name», for its Java side to look at; where texts are joined
    that side does not see them, and clients get all of it.
    """
    if not (
        isinstance(value, Column)
        and value.source.cls == "Experimenter"
        and value.name in PRIVATE_NAMES
    ):
        return value
    identifier = Operation("str", (Column(value.source, "id", LONG),), STRING)
    return Operation("concat", (identifier, Constant(";", STRING), value), STRING)


def nested_of(scope: Scope, value: Value) -> Nested:
    """Return a sub-query that gives one value a row."""
    scope.query.outputs.append(Output(value, None))
    return Nested(scope.query, value.type)


def member_source(place: Many, kind: tree.JoinKind) -> Source:
    """Return the source of a collection's members."""
    collection = place.collection
    return Source(collection.target, place.source, kind, collection.name, collection=collection)


def class_named(path: tree.Path) -> ModelClass | None:
    """Return the class a path names: Dataset or ome.model.containers.Dataset."""
    cls = CLASSES.get(path.names[-1])
    if cls is None or cls.name in ("IObject", "Link"):
        return None
    return cls if path.names == (cls.name,) or ".".join(path.names) == cls.java else None
