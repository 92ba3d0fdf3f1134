# SPDX-License-Identifier: Apache-2.0
# vctx: the front door. `make help` lists what there is.

SHELL := /bin/sh
VENV  ?= .venv
PY    := $(VENV)/bin/python
.DEFAULT_GOAL := cosim

# The knobs of each target; any other is refused. An empty value means the default that `vctx cosim --help` names, and
# `vctx` checks every value.
KNOBS_cosim     = SIM VLEN DLEN SEED VCPUS HARTS KERNEL JOB WAVES JUNIT OUT
KNOBS_run       = SIM VLEN DLEN WAVES PROG LOG OUT
KNOBS_demo      = SIM OUT
KNOBS_report    = OUT
KNOBS_cocotb    = SIM VLEN DLEN SEED WAVES TEST JOBS OUT
KNOBS_linux     = SIM VLEN DLEN SEED HARTS WAVES FROM UNTIL DEFECT KERNEL_DEB IMAGE MODULE OUT
KNOBS_linux-kvm = VLEN SEED KERNEL_DEB QEMU OUT
KNOBS_test      = JOBS K JUNIT OUT
KNOBS_test-bare = SUITE COMMAND WHO
KNOBS_test-slurm = SEED OUT
KNOBS_lint      = OUT
KNOBS_synth     = OUT
KNOBS_formal    = PROPERTY CORNER JOBS OUT
KNOBS_mutants   = SEED JOBS OUT
KNOBS_bench     = OUT
KNOBS_regress   = JOBS OUT
KNOBS_doctor    = SIM WAVES OUT
KNOBS_setup     = SIM WAVES
KNOBS_everywhere = VENV PYTHON

SIM    ?=
VLEN   ?=
DLEN   ?=
SEED   ?=
VCPUS  ?=
HARTS  ?=
KERNEL ?=
JOB    ?=
KERNEL_DEB ?=
QEMU   ?=
FROM   ?=
UNTIL  ?=
DEFECT ?=
IMAGE  ?=
MODULE ?=
WAVES  ?=
TEST   ?=
PROPERTY ?=
CORNER ?=
SUITE  ?=
COMMAND ?=
WHO    ?=
JOBS   ?=
JUNIT  ?=
OUT    ?= $(VCTX_OUT)

# A make that calls this one hands its own variables down, so there nothing is refused.
KNOBS = $(sort $(foreach variable,$(filter KNOBS_%,$(.VARIABLES)),$($(variable))))
GOALS = $(or $(MAKECMDGOALS),$(.DEFAULT_GOAL))
TAKEN = $(sort $(KNOBS_everywhere) $(foreach goal,$(GOALS),$(KNOBS_$(goal))))
GIVEN = $(foreach variable,$(.VARIABLES),$(if $(filter command line,$(origin $(variable))),$(variable)))
comma = ,
NEAR  = import difflib, sys; print(*difflib.get_close_matches(sys.argv[1].upper(), sys.argv[2:], 1))
near  = $(patsubst %,$(comma) did you mean %?,$(shell python3 -c '$(NEAR)' '$(1)' $(KNOBS) 2>/dev/null))
define check_knob
ifeq ($(filter $(1),$(KNOBS)),)
$$(error $(1)=$$($(1)): there is no such knob$(call near,$(1)); `make $(GOALS)` takes $(TAKEN))
else ifeq ($(filter $(1),$(TAKEN)),)
$$(error $(1)=$$($(1)): has no effect on `make $(GOALS)`, which takes $(TAKEN))
endif
endef
ifeq ($(MAKELEVEL),0)
$(foreach knob,$(GIVEN),$(eval $(call check_knob,$(knob))))
endif

ifneq ($(filter-out 0 1,$(WAVES)),)
$(error WAVES=$(WAVES): must be 0 or 1)
endif
ifneq ($(shell expr '$(JOBS)' : '[1-9][0-9]*$$'),$(shell expr length '$(JOBS)'))
$(error JOBS=$(JOBS): must be a whole number$(comma) at least 1)
endif

# With OUT nothing is written to the checkout, which may be read-only then (and needs VENV elsewhere, unless it has one).
ifneq ($(OUT),)
export VCTX_OUT := $(abspath $(OUT))
export MYPY_CACHE_DIR := $(VCTX_OUT)/cache/mypy
export RUFF_CACHE_DIR := $(VCTX_OUT)/cache/ruff
export HYPOTHESIS_STORAGE_DIRECTORY := $(VCTX_OUT)/cache/hypothesis
ifneq ($(shell [ -w pymodel ] || echo read-only),)
export PYTHONPYCACHEPREFIX := $(VCTX_OUT)/cache/python
endif
PYTEST_CACHE = -o cache_dir="$(VCTX_OUT)/cache/pytest"
endif

ALL_JOBS = $(or $(JOBS),$(shell nproc 2>/dev/null || echo 2))
flag = $(if $($(1)),--$(2) "$($(1))")
RTL_FLAGS   = $(call flag,SIM,sim) $(call flag,VLEN,vlen) $(call flag,DLEN,dlen) $(if $(filter-out 0,$(WAVES)),--waves)
COSIM_FLAGS = $(RTL_FLAGS) $(call flag,SEED,seed) $(call flag,VCPUS,vcpus) $(call flag,HARTS,harts) \
              $(call flag,KERNEL,kernel) $(call flag,JOB,job) $(call flag,JUNIT,junit)

# What the system's package manager must provide, as things that tb/setup.sh tries; everything else comes from PyPI into
# $(VENV). "?" marks what things work without: lz4 and zlib make the waves of Verilator small, ccache makes rebuilds fast.
BASE_TOOLS = python venv libpython g++ make perl
RUN_TOOLS  = $(BASE_TOOLS) $(if $(filter icarus,$(SIM)),iverilog)
WAVE_TOOLS = $(if $(filter-out 0,$(WAVES)),$(if $(filter icarus,$(SIM)),,'?lz4' '?zlib'))
MUTANT_TESTS = tests/directed/test_main_job_mutants.py tests/regression/test_killed.py
TEST_TOOLS = $(BASE_TOOLS) iverilog dtc git pgrep qemu-system-riscv64 chromium chromedriver '?ccache'

# Keeps the versions that are locked as long as pyproject.toml allows them; remove the files first to get newer ones.
LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock"

# `exec`: else a signal to make ends the shell between, and the command goes on without either.
.PHONY: lock cosim run cocotb linux linux-kvm test test-bare test-slurm lint synth formal mutants bench regress doctor demo report format setup setup-dev help clean

cosim: setup ## the main job: co-simulate vCPUs and host tasks sharing the vector unit (default)
	@exec $(PY) -m vctx.tb cosim $(COSIM_FLAGS)

run: setup ## a bare-metal program of yours on golden model and RTL: PROG=x.elf (LOG= writes its commit log)
	@$(if $(PROG),,echo "error: which program? make run PROG=x.elf" >&2; exit 2)
	@exec $(PY) -m vctx.tb run $(RTL_FLAGS) $(call flag,LOG,commit-log) "$(PROG)"

demo: setup ## a bug put into a copy of the RTL, and what its mismatch looks like (SIM=)
	@exec $(PY) -m vctx.tb demo $(call flag,SIM,sim)

report: setup ## one page of all results below sim_build, report.html there
	@exec $(PY) -m vctx.tb report $(or $(OUT),sim_build) --page "$(or $(OUT),sim_build)/report.html"

cocotb: setup ## the cocotb regression of the block, in tests/cocotb (TEST= selects by name, or regular expression)
	@exec $(PY) -m vctx.tb cocotb $(RTL_FLAGS) $(call flag,SEED,seed) $(call flag,TEST,test) --jobs $(ALL_JOBS) tests/cocotb

linux: setup-dev ## optional: a real Linux and its KVM boot on Spike, and the RTL replays all they do with vectors (FROM= UNTIL=)
	@exec $(PY) -m vctx.tb linux $(RTL_FLAGS) $(call flag,SEED,seed) $(call flag,HARTS,harts) \
		$(call flag,FROM,from) $(call flag,UNTIL,until) $(call flag,DEFECT,defect) $(call flag,IMAGE,image) $(call flag,MODULE,module) \
		$(foreach package,$(KERNEL_DEB),--kernel-deb "$(package)")

linux-kvm: setup ## optional: a real Linux KVM under QEMU (VLEN 128 to 1024, fresh SEED) judges the golden hypervisor
	@exec $(PY) -m vctx.tb linux-kvm $(call flag,SEED,seed) $(call flag,VLEN,vlen) $(call flag,QEMU,qemu) \
		$(foreach package,$(KERNEL_DEB),--kernel-deb "$(package)")

test: setup-dev ## every test, on both simulators (JOBS= parallel jobs, K= selects by name, JUNIT= writes JUnit XML)
	@exec $(PY) -m pytest $(PYTEST_CACHE) -n $(ALL_JOBS) --dist worksteal $(if $(K),-k "$(K)") $(if $(JUNIT),--junitxml="$(JUNIT)") tests

test-bare: ## both of these in fresh Debian userlands, as root and user (root; SUITE=bookworm|trixie COMMAND=make|test WHO=root|user)
	@tb/setup.sh $(VENV) requirements.lock $(RUN_TOOLS) debootstrap git unshare
	@exec $(PY) tests/bare/bare.py $(call flag,SUITE,suite) $(call flag,COMMAND,command) $(call flag,WHO,user)

test-slurm: setup-dev ## campaigns on a real SLURM on this machine's loopback, with real faults (root; SEED=)
	@tb/setup.sh $(VENV) requirements-dev.lock slurmctld slurmd sbatch munged
	@exec $(PY) tests/slurm/slurm.py $(SEED)

lint: setup-dev ## Verilator -Wall, verible and Icarus on the RTL; ruff, mypy and import-linter on the Python
	@exec $(PY) -m vctx.tb.simulators.lint
	@exec $(PY) -m ruff check .
	@exec $(PY) -m ruff format --check .
	@exec $(PY) -m mypy
	@exec $(VENV)/bin/lint-imports --no-cache --no-logo

synth: setup-dev ## Yosys: cells, memories and longest path of two configurations
	@exec $(PY) -m vctx.tb.simulators.synth

formal: setup-dev ## proofs about the RTL, each with a bug that it finds (PROPERTY=block or block.name, CORNER=VLEN/DLEN)
	@exec $(PY) -m vctx.tb.formal $(call flag,PROPERTY,property) $(call flag,CORNER,corner) --jobs $(ALL_JOBS)

mutants: setup-dev ## bugs put into the RTL: those of other designs and of the regression, then a thousand by Yosys (takes long)
	@MUTANTS=all $(PY) -m pytest $(PYTEST_CACHE) -n $(ALL_JOBS) --dist worksteal $(MUTANT_TESTS)
	@exec $(PY) -m vctx.tb.mutants $(call flag,SEED,seed) --jobs $(ALL_JOBS)

bench: setup-dev ## speeds as ratios measured side by side, and cycles of save and restore (about three minutes)
	@exec $(PY) -m vctx.tb.bench

regress: setup-dev ## the campaign that comes with vctx: fuzzing, sweeps, audits, co-simulations (about ten minutes; JOBS=)
	@exec $(PY) -m vctx.tb campaign examples/regress.toml --jobs $(ALL_JOBS)

doctor: setup ## which tools were found, their versions, and what is unsuitable
	@exec $(PY) -m vctx.tb doctor

format: setup-dev ## reformat the Python code
	@exec $(PY) -m ruff format .
	@exec $(PY) -m ruff check --fix .

setup: ## the Python environment and tools that `make` needs
	@tb/setup.sh $(VENV) requirements.lock $(RUN_TOOLS) $(WAVE_TOOLS)

setup-dev: ## the same with everything that `make test` needs
	@tb/setup.sh $(VENV) requirements-dev.lock $(TEST_TOOLS)

lock: ## resolve requirements*.lock anew, with hashes, for Python 3.11 to 3.14 on any platform (with uv, from PyPI)
	@command -v uv >/dev/null || { echo "error: no uv: pip install uv" >&2; exit 3; }
	@$(LOCK) pyproject.toml --group build --extra campaign -o requirements.lock
	@$(LOCK) pyproject.toml --group build --extra campaign --extra dev -c requirements.lock -o requirements-dev.lock
	@$(LOCK) --group spike -o requirements-spike.lock

help: ## this list
	@echo "targets:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14
	@echo "knobs: SIM=verilator|icarus VLEN=128..4096 DLEN=64..1024 SEED=n VCPUS=n HARTS=n WAVES=1 TEST=name"
	@echo "       KERNEL=v6.5|v12|linux-6.12|deferred|clean  JOB=full|small  KERNEL_DEB='packages of a kernel'  IMAGE=file MODULE=file"
	@echo "       QEMU=emulator  FROM=mark UNTIL=mark DEFECT=name"
	@echo "       OUT=folder for results and builds  VENV=folder of the environment  PYTHON=interpreter to make it with"
	@echo "       PROPERTY=block or block.name  CORNER=128/64 or 256/128"

clean: ## remove everything generated, except the environment in .venv
	@rm -rf sim_build build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find pymodel tb tests src -name __pycache__ -prune -exec rm -rf {} +
