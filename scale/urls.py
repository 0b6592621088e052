"""The doors of the web process."""

urlpatterns: list[object] = []
