"""What `a.class` gives, class by class.

The classes of annotations, shapes and jobs … have rows in one table each; the real server tells annotations and shapes
apart by a text and all others by a number. Source of the texts: the model's mappings `annotations.ome.xml` and
`roi.ome.xml` (https://github.com/ome/openmicroscopy, components/model), the latter from when Rectangle was called Rect.
"""

DISCRIMINATORS: dict[str, str] = {
    "ListAnnotation": "/list/",
    "BooleanAnnotation": "/basic/bool/",
    "LongAnnotation": "/basic/num/long/",
    "DoubleAnnotation": "/basic/num/double/",
    "TermAnnotation": "/basic/term/",
    "TimestampAnnotation": "/basic/time/",
    "CommentAnnotation": "/basic/text/comment/",
    "TagAnnotation": "/basic/text/tag/",
    "XmlAnnotation": "/basic/text/xml/",
    "MapAnnotation": "/map/",
    "FileAnnotation": "/type/OriginalFile/",
    "Ellipse": "ellipse",
    "Label": "text",
    "Line": "line",
    "Mask": "mask",
    "Path": "path",
    "Point": "point",
    "Polygon": "polygon",
    "Polyline": "polyline",
    "Rectangle": "rect",
}
