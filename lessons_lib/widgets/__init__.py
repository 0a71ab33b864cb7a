"""What moves: live drawings with sliders, one file a topic (`from lessons_lib.widgets import attention`). `house` has the generic parts."""
