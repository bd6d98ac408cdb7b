# `make serve` and `make test` set up what they need; once it stands they only look.

HOST ?= 127.0.0.1
PORT ?= 8000
PYTHON ?= python3
VENV ?= .venv

BIN := $(VENV)/bin
UV := $(BIN)/uv
READY := $(VENV)/ready
INSTALL := $(UV) pip install --quiet --no-deps --compile-bytecode --require-hashes --python $(BIN)/python
COMPILE := $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate

SERVING := stages overlap batching cached page load scaling guards decoding redis_faults hostile pictures gpu
BENCHES := tag_quality peers throughput $(SERVING)

.PHONY: serve test test-thorough test-all screenshots torch check licences sbom lock-check weights training lock bench $(BENCHES) bench-zoo bench-train bench-catalogue soak drill decode_attack fuzz floor docs clean

# The page shows made-up curators, unless settings choose another store, other models or another
# recommender.
DEMO := $(if $(TAGGRAM_MODELS)$(TAGGRAM_MODEL_STORE)$(TAGGRAM_RECOMMENDER)$(wildcard .env),,demo-curators)

serve: $(READY)/weights $(if $(DEMO),$(READY)/$(DEMO))
	HOST=$(HOST) PORT=$(PORT) $(if $(DEMO),TAGGRAM_RECOMMENDER=$(DEMO)) exec $(BIN)/taggram serve

# SEED is that of the tests' order; another one finds tests that depend on it. Tests often wait, for
# a service or a browser: three processes use the time on two cores.
SEED ?= 1
# Each of a hundred processes would else compile the project anew.
export PYTHONDONTWRITEBYTECODE :=
PYTEST := $(BIN)/pytest --numprocesses 3 --max-worker-restart 0 --dist loadgroup --no-loadscope-reorder \
	--randomly-seed $(SEED) --durations 10
TESTING := $(READY)/dev $(VENV)-tools/ready $(READY)/weights $(READY)/audio $(READY)/nginx $(READY)/prometheus \
	$(READY)/chromium

# A test that waits for ever is named after five minutes, and ends the run, which would else wait for
# ever with a new process; the longest takes half a minute.
test: $(TESTING)
	$(PYTEST) -m "not thorough" --override-ini faulthandler_timeout=300

# What takes minutes: networks as large as published on every engine, whole corpora, ten kills
# instead of one, properties with more and new examples; against PyTorch where `make torch` has
# brought it. SLICE=2/10 runs a tenth.
SLICE ?= 1/1
test-thorough: $(TESTING)
	$(PYTEST) -m "thorough or hypothesis" --hypothesis-profile thorough --slice $(SLICE)

# All that there is, for a release: about two hours.
test-all: check torch test test-thorough
	$(MAKE) fuzz N=50000
	$(MAKE) soak MINUTES=10
	$(MAKE) drill SECONDS=60

# The page in each of its states, on a phone and a desktop, light and dark, in .cache/screenshots.
screenshots: $(READY)/dev $(READY)/weights $(READY)/audio $(READY)/chromium
	$(BIN)/pytest tests/browser/test_states.py --screenshots

check: $(READY)/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	HADOLINT=$(BIN)/hadolint docker/lint.sh
	$(BIN)/python requirements/licences.py > /dev/null
	$(BIN)/python requirements/audit.py

# The licence of each package that users install.
licences: $(READY)/dev
	$(BIN)/python requirements/licences.py

# What the default image installs, as CycloneDX JSON in .cache/sbom: a file a processor.
sbom: $(READY)/dev $(VENV)-tools/ready
	$(BIN)/python requirements/sbom.py --program $(VENV)-tools/bin/cyclonedx-py --out .cache/sbom

weights: $(READY)/weights

# Resolves the locks anew, to the newest versions that pyproject.toml admits.
lock: $(READY)/uv
	$(COMPILE) requirements/build.in --output-file requirements/build.lock
	$(COMPILE) pyproject.toml requirements/cpu.in --extra openvino --extra s3 \
		--override requirements/cpu.override --output-file requirements/cpu.lock
	$(COMPILE) pyproject.toml --extra gpu --extra s3 --output-file requirements/gpu.lock
	$(COMPILE) pyproject.toml requirements/cpu.in --extra openvino --extra s3 --extra train --extra descriptors --extra recommender \
		--override requirements/cpu.override \
		--constraint requirements/cpu.lock --output-file requirements/train.lock
	$(COMPILE) pyproject.toml requirements/cpu.in --extra openvino --extra s3 --extra train --extra descriptors --extra recommender --group dev \
		--override requirements/cpu.override \
		--constraint requirements/cpu.lock --output-file requirements/dev.lock
	$(COMPILE) pyproject.toml requirements/cpu.in --extra openvino --extra s3 --extra ray --extra descriptors \
		--override requirements/cpu.override \
		--constraint requirements/dev.lock --output-file requirements/ray.lock
	$(COMPILE) requirements/peer-musicnn.in --override requirements/peer-musicnn.override \
		--output-file requirements/peer-musicnn.lock
	$(COMPILE) requirements/peer-essentia.in --output-file requirements/peer-essentia.lock
	$(COMPILE) requirements/docs.in --output-file requirements/docs.lock
	$(COMPILE) requirements/tools.in --output-file requirements/tools.lock

# Whether cpu.lock can be installed on each processor that the image is built for: downloads it all.
lock-check: $(READY)/dev
	$(BIN)/python requirements/lock_check.py

# What `taggram data`, `train`, `evaluate` and `teach` need beside what serves.
training: $(READY)/training

# Figures: each benchmark prints tables and keeps them in .cache/bench; all take at most 20 minutes
# on two cores that do nothing else. Options of the modules measure longer.
bench: $(BENCHES)

$(BENCHES): $(READY)/dev $(READY)/weights

tag_quality:
	$(BIN)/python -m loadtests.quality.tags

peers:
	$(BIN)/python -m loadtests.peers.compare

throughput:
	$(BIN)/python -m loadtests.peers.throughput

$(SERVING):
	$(BIN)/python -m loadtests.serving.$@

# Parameters, arithmetic, speed, memory and load time of every architecture on every engine, in a
# table and a picture; about fifteen minutes, and goes on where it was stopped.
bench-zoo: $(READY)/dev $(READY)/weights
	$(BIN)/python -m loadtests.zoo.compare

# What learning costs: tracks decoded, windows trained, share of the time spent waiting, memory.
bench-train: $(READY)/dev
	$(BIN)/python -m loadtests.training.train

# Tagging a whole catalogue: tracks a minute against the service and others, by the number of
# workers, and memory over 5,000 tracks.
bench-catalogue: $(READY)/dev $(READY)/weights
	$(BIN)/python -m loadtests.catalogue.throughput
	$(BIN)/python -m loadtests.catalogue.workers
	$(BIN)/python -m loadtests.catalogue.memory

# Whether it stays as it is at half of its capacity, among good requests and hostile ones.
MINUTES ?= 10
soak: $(READY)/dev $(READY)/weights
	$(BIN)/python -m loadtests.soak.run --minutes $(MINUTES)

# N mutants of audio files, and a tenth as many broken requests; findings stay in .cache/fuzz.
N ?= 2000
fuzz: $(READY)/dev $(READY)/weights
	$(BIN)/python -m loadtests.fuzz.run --mutants $(N) --requests $$(( ($(N) + 9) / 10 ))

# What ten times the load does to those who are accepted, and to what comes after.
SECONDS ?= 60
drill: $(READY)/dev $(READY)/weights
	$(BIN)/python -m loadtests.serving.drill --seconds $(SECONDS)

# What short clips wait while one client sends files that decode for long.
decode_attack: $(READY)/dev $(READY)/weights $(READY)/nginx
	$(BIN)/python -m loadtests.serving.decode_attack

# What tells music from the rest, for manifests in .cache/confidence. Models that can be pulled are
# measured where they have been. Scores are kept: delete that folder where sounds have changed.
floor: $(READY)/dev $(READY)/weights
	@mkdir -p .cache
	$(BIN)/python -m loadtests.quality.confidence > .cache/confidence.md
	mv .cache/confidence.md loadtests/quality/confidence.md

# The documentation as a site, in .cache/site/index.html; a broken link or anchor is an error. It is
# built in a folder of its own: Zensical keeps a folder .cache beside its configuration.
SITE := .cache/site-build
PAGES := *.md LICENSE docs examples tests/faults/README.md loadtests/quality/confidence.md
docs: $(VENV)-docs/ready
	rm -rf .cache/site $(SITE) && mkdir -p $(SITE)/pages
	tar --create --exclude=node_modules --exclude=__pycache__ $(PAGES) | tar --extract --directory $(SITE)/pages
	cp zensical.toml $(SITE)
	cd $(SITE) && $(abspath $(VENV)-docs/bin/zensical) build --strict
	mv $(SITE)/site .cache/site

clean:
	rm -rf .venv .venv-* .cache

$(READY)/uv: requirements/build.lock
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11, 3.12 or 3.13 is needed" \
		if not (3, 11) <= sys.version_info < (3, 14) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements/build.lock
	@mkdir -p $(READY) && touch $@

$(READY)/app: $(READY)/uv requirements/cpu.lock pyproject.toml
	$(INSTALL) -r requirements/cpu.lock
	$(UV) pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	@touch $@

$(VENV)-docs/ready: requirements/docs.lock
	$(PYTHON) -m venv $(VENV)-docs
	$(VENV)-docs/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements/docs.lock
	@touch $@

$(VENV)-tools/ready: requirements/tools.lock
	$(PYTHON) -m venv $(VENV)-tools
	$(VENV)-tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements/tools.lock
	@touch $@

$(READY)/training: $(READY)/app requirements/train.lock
	$(INSTALL) -r requirements/train.lock
	@touch $@

$(READY)/dev: $(READY)/app requirements/dev.lock
	$(INSTALL) -r requirements/dev.lock
	@touch $@

$(READY)/weights: $(READY)/app $(wildcard model_store/*/*/manifest.toml)
	$(BIN)/taggram models pull
	@touch $@

# Made up anew where the tags that the shipped models know may have changed.
$(READY)/demo-curators: $(READY)/weights $(wildcard app/tagging/vocabularies/*.yaml)
	$(BIN)/taggram recommend demo
	@touch $@

# PyTorch, for the tests that hold our networks, and our reader of its files, against it; without it
# they skip by name. By pip, and not locked: there are many builds of it, some of gigabytes.
torch: $(READY)/dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/torch.txt

# Free music for the tests; where it can't be had, they skip by name.
$(READY)/audio: testing/packages/audio.py $(READY)/uv
	$(BIN)/python -m testing.packages.audio
	@touch $@

# A browser for the page.
$(READY)/chromium: testing/packages/chromium.py $(READY)/uv
	$(BIN)/python -m testing.packages.chromium
	@touch $@

# nginx, to test docker/nginx/nginx.conf with.
$(READY)/nginx: testing/packages/nginx.py $(READY)/uv
	$(BIN)/python -m testing.packages.nginx
	@touch $@

# And Prometheus, to test docker/prometheus and docker/grafana with.
$(READY)/prometheus: testing/packages/prometheus.py $(READY)/uv
	$(BIN)/python -m testing.packages.prometheus
	@touch $@
