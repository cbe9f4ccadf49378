import pytest

from serving.settings import store_url
from serving.store import Store


@pytest.fixture
def store(tmp_path):
    opened = Store(store_url(tmp_path / "state"))
    yield opened
    opened.close()
