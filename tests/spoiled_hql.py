"""Queries that use much of HQL, and what becomes of them when their tokens are mixed up."""

import random
import re

QUERIES = [
    "select d from Dataset d left outer join fetch d.annotationLinks l left outer join fetch l.child where d.id in (:ids) order by d.id",
    "select new map(d.id as id, d as d_details_permissions, (select count(l) from d.imageLinks l) as n) from Dataset d",
    "select d.name, count(l.id) from Dataset d left join d.annotationLinks l with l.id > 1 group by d.name having count(l.id) >= 0",
    "SELECT p.sizeX * 2, index(c), c.logicalChannel.emissionWave.value FROM Pixels p JOIN p.channels c WHERE p.image.id in :ids",
    "select sum(case when a.ns is null and a.class = TagAnnotation then 1 else 0 end), type(a.class) from Annotation a group by a.class",
    "from Annotation a where a.textValue like '%x' escape '!' or exists (select m from MapAnnotation m join m.mapValue v where v.name = :name)",
    "select d.id from Dataset d where d.id between 1 and 2 and size(d.imageLinks) = 1 and not d.name || 'x' = 'y' and d.id >= all (select l.id from DatasetImageLink l)",
]  # fmt: skip
TOKENS = re.compile(r"\s+|\w+|'[^']*'|[^\w\s]")


def mutated(text: str, chance: random.Random) -> str:
    """Return the text with tokens lost, doubled, swapped, or taken from other queries."""
    tokens, others = TOKENS.findall(text), TOKENS.findall(" ".join(QUERIES))
    for _ in range(chance.choice([1, 1, 2, 4])):
        place = chance.randrange(len(tokens))
        match chance.randrange(5):
            case 0:
                tokens[place] = ""
            case 1:
                tokens[place] = chance.choice(others)
            case 2:
                tokens.insert(
                    place, chance.choice([*others, "'", "(", ")", "?", ":", "\0", "9" * 30, "é"])
                )
            case 3:
                other = chance.randrange(len(tokens))
                tokens[place], tokens[other] = tokens[other], tokens[place]
            case _:
                tokens[place:place] = tokens[place : place + 6]
    return "".join(tokens)
