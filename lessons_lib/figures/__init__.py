"""Everything that draws. `house` has the style and the carriers, `svg` the parts of a drawing; then one file a topic.

Nothing is imported here, so that `import lessons_lib.figures` costs nothing: write `from lessons_lib.figures import search`.
"""
