"""Settings from the environment: their names, their forms, and the values that are refused."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError

from app.domain import Backend, Precision
from app.settings import Settings, find_unknown_settings
from app.store.manifest.manifest import read_store
from app.store.storage.store import Store


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, without a `.env`, and no variables of the environment."""
    for name in list(os.environ):
        if name.upper().startswith("TAGGRAM_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_any_setting_published_models_are_served_from_the_checkout() -> None:
    settings = Settings()

    assert settings.models
    assert set(settings.models) <= set(read_store(Store(settings.model_store)))
    assert settings.redis_url is None


def test_each_setting_is_read_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGGRAM_MODEL_STORE", "/srv/models")
    monkeypatch.setenv("TAGGRAM_MODELS", '["mtt-vgg", "msd-vgg"]')
    monkeypatch.setenv("TAGGRAM_VOCABULARY_MODELS", '["msd-vgg"]')
    monkeypatch.setenv("TAGGRAM_VOCABULARY_FILES", '["/etc/a.yaml", "b.yaml"]')
    monkeypatch.setenv("TAGGRAM_MAX_UPLOAD_BYTES", "1000")
    monkeypatch.setenv("TAGGRAM_DEADLINE_S", "2.5")
    monkeypatch.setenv("TAGGRAM_REDIS_URL", "redis://cache:6379/1")
    monkeypatch.setenv("TAGGRAM_ENGINE", "tensorflow")
    monkeypatch.setenv("TAGGRAM_PRECISION", "bf16")
    monkeypatch.setenv("TAGGRAM_MAX_BATCH_WINDOWS", "24")
    monkeypatch.setenv("TAGGRAM_MAX_WAIT_MS", "0")
    monkeypatch.setenv("TAGGRAM_MAX_QUEUED_WINDOWS", "1")

    monkeypatch.setenv("TAGGRAM_ALLOWED_ORIGINS", '["https://a.example", "http://[::1]:5173"]')
    monkeypatch.setenv("TAGGRAM_TRUSTED_PROXIES", '["10.0.0.0/8", "::1"]')

    settings = Settings()

    assert settings.model_store == "/srv/models"
    assert settings.allowed_origins == ("https://a.example", "http://[::1]:5173")
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert settings.models == ("mtt-vgg", "msd-vgg")
    assert settings.vocabulary_models == ("msd-vgg",)
    assert settings.vocabulary_files == (Path("/etc/a.yaml"), Path("b.yaml"))
    assert settings.max_upload_bytes == 1000
    assert settings.deadline_s == 2.5
    assert settings.redis_url == "redis://cache:6379/1"
    assert settings.engine == Backend.TENSORFLOW
    assert settings.precision == Precision.BF16
    assert settings.max_batch_windows == 24
    assert settings.max_wait_ms == 0
    assert settings.max_queued_windows == 1


def test_without_any_setting_the_machine_decides_how_to_compute() -> None:
    settings = Settings()

    assert (settings.engine, settings.precision) == ("auto", "auto")
    assert settings.max_batch_windows is None


@pytest.mark.parametrize("value", ["auto", *Backend])
def test_every_engine_can_be_requested(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGGRAM_ENGINE", value)

    assert Settings().engine == value


@pytest.mark.parametrize("value", ["auto", Precision.FLOAT32, Precision.BF16])
def test_a_precision_can_be_requested(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGGRAM_PRECISION", value)

    assert Settings().precision == value


def test_a_variable_without_the_prefix_sets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_UPLOAD_BYTES", "1000")

    assert Settings().max_upload_bytes != 1000


def test_a_dotenv_file_is_read_and_the_environment_overrides_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env").write_text(
        "TAGGRAM_MAX_IN_FLIGHT=3\nTAGGRAM_CACHE_TTL_S=60\nSOMEBODY_ELSE=1\n"
    )
    monkeypatch.setenv("TAGGRAM_CACHE_TTL_S", "90")

    settings = Settings()

    assert (settings.max_in_flight, settings.cache_ttl_s) == (3, 90)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODELS", "[]"),
        ("MODELS", "[1]"),
        ("MODELS", '{"msd-vgg": 1}'),
        ("MAX_UPLOAD_BYTES", "0"),
        ("MAX_UPLOAD_BYTES", "32M"),
        ("MIN_DURATION_S", "nan"),
        ("MAX_DURATION_S", "-1"),
        ("MAX_DURATION_S", "inf"),
        ("DECODE_WORKERS", "1.5"),
        ("DECODE_TIMEOUT_S", "inf"),
        ("MAX_IN_FLIGHT", "many"),
        ("ENGINE", "onnx"),
        ("ENGINE", "OpenVINO"),
        ("ENGINE", ""),
        ("PRECISION", "int8"),
        ("PRECISION", "float16"),
        ("MAX_BATCH_WINDOWS", "0"),
        ("MAX_BATCH_WINDOWS", "auto"),
        ("MAX_WAIT_MS", "-1"),
        ("MAX_WAIT_MS", "inf"),
        ("MAX_WAIT_MS", "nan"),
        ("MAX_QUEUED_WINDOWS", "0"),
        ("MAX_QUEUED_WINDOWS", "1.5"),
        ("DEADLINE_S", "0"),
        ("REDIS_TIMEOUT_S", "-0.1"),
        ("CACHE_TTL_S", "0"),
        ("CACHE_BYTES", ""),
        ("KEYS_FILE", ""),
        ("SECRET", "too short"),
        ("ALLOWED_ORIGINS", '["*"]'),
        ("ALLOWED_ORIGINS", '["https://*.example"]'),
        ("ALLOWED_ORIGINS", '["signup.example"]'),
        ("ALLOWED_ORIGINS", '["https://signup.example/"]'),
        ("ALLOWED_ORIGINS", '["https://Signup.example"]'),
        ("ALLOWED_ORIGINS", '["https://signup.example:443"]'),
        ("ALLOWED_ORIGINS", '["https://somebody@signup.example"]'),
        ("ALLOWED_ORIGINS", '["https://signup.example\\n"]'),
        ("UPLOAD_TOKEN_MINUTES", "0"),
        ("UPLOAD_TOKEN_MINUTES", "nan"),
        ("UPLOAD_TOKEN_USES", "0"),
        ("KEY_REQUESTS_PER_MINUTE", "0"),
        ("ADDRESS_REQUESTS_PER_MINUTE", "-1"),
        ("TRUSTED_PROXIES", '["*"]'),
    ],
)
def test_an_invalid_value_is_refused_with_the_setting_s_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"TAGGRAM_{name}", value)

    with pytest.raises(ValidationError, match=f"(?i){name}"):
        Settings()


@pytest.mark.parametrize("value", ["msd-musicnn", "msd-musicnn,mtt-musicnn", "['msd-musicnn']", ""])
def test_models_that_are_not_a_json_list_are_refused(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGGRAM_MODELS", value)

    with pytest.raises(SettingsError, match="models"):
        Settings()


def test_settings_are_immutable() -> None:
    settings = Settings()

    with pytest.raises(ValidationError, match="frozen"):
        settings.max_in_flight = 1  # type: ignore[misc]


def test_a_misspelt_variable_is_reported_with_the_nearest_setting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGGRAM_MAX_UPLOAD_BYTE", "1000")
    monkeypatch.setenv("TAGGRAM_DEADLINE_S", "2.5")
    (folder / ".env").write_text("TAGGRAM_ZZZZZZZZ=1\nOTHER=2\n")

    assert find_unknown_settings() == {
        "TAGGRAM_MAX_UPLOAD_BYTE": "TAGGRAM_MAX_UPLOAD_BYTES",
        "TAGGRAM_ZZZZZZZZ": None,
    }
