# SPDX-License-Identifier: GPL-2.0-only
# Base, series, kernels, BPF tools and the machine they run in. `make help` lists the commands.

BASES := $(shell sed '/^\#/d; s/ .*//' series/bases)

KERNEL ?= patched
ARCH ?= x86
BASE ?= $(firstword $(BASES))
SCHED ?= scx_central
SECS ?= 20
CPUS ?= 4
ICOUNT ?= 0
CLAIMS ?= 0
TIMEOUT ?= 300
SEED ?= 1
CONFIG ?=
FLAVOUR ?= $(if $(CONFIG),custom,cloud)

ARCHS := x86 arm64
# The patched kernel with vm/config/VARIANT.config, and its own part of vm/test
VARIANTS := debug kcsan rt dynamic
KERNELS := $(strip stock patched $(if $(filter x86,$(ARCH)),$(VARIANTS)))
FLAVOURS := cloud amd64 custom
SCHEDS := scx_central scx_flatcg scx_qmap scx_simple scx_urgent

one-of = $(if $(filter 1,$(words $($(1)))),$(filter $($(1)),$(2)))
number = $(shell case '$($(1))' in ('' | 0* | *[!0-9]*) ;; (*) echo yes ;; esac)
refuse = $(error $(1)=$($(1)) is not possible: $(1) is $(2))
$(if $(call one-of,ARCH,$(ARCHS)),,$(call refuse,ARCH,one of $(ARCHS)))
# What make check-base takes is for the archive to say
$(if $(or $(call one-of,BASE,$(BASES)),$(filter 1check-base,$(words $(MAKECMDGOALS))$(MAKECMDGOALS))),,$(call refuse,BASE,one of $(BASES)))
$(if $(call one-of,KERNEL,$(KERNELS)),,$(call refuse,KERNEL,one of $(KERNELS)))
$(if $(call one-of,SCHED,$(SCHEDS)),,$(call refuse,SCHED,one of $(SCHEDS)))
$(if $(call one-of,FLAVOUR,$(FLAVOURS)),,$(call refuse,FLAVOUR,one of $(FLAVOURS)))
$(if $(call one-of,CPUS,$(shell seq 255)),,$(call refuse,CPUS,1 to 255))
$(if $(call one-of,ICOUNT,0 1),,$(call refuse,ICOUNT,0 or 1))
$(if $(call one-of,CLAIMS,0 1),,$(call refuse,CLAIMS,0 or 1))
$(if $(call number,SECS),,$(call refuse,SECS,a number of seconds above 0))
$(if $(call number,TIMEOUT),,$(call refuse,TIMEOUT,a number of seconds above 0))
ifeq ($(ARCH),arm64)
$(foreach goal,$(filter run torture bench urgent clients bundle bisect-check deb deb-test,$(MAKECMDGOALS)),\
	$(error make $(goal) is for x86: ARCH=arm64 is for kernel, image, tools, vm, shell and test))
endif
ifneq ($(filter deb deb-test,$(MAKECMDGOALS)),)
$(if $(filter custom,$(FLAVOUR)),$(if $(wildcard $(CONFIG)),,$(call refuse,CONFIG,a kernel's configuration file)))
DEBFULLNAME ?= $(shell git config user.name 2> /dev/null || id -un)
DEBEMAIL ?= $(shell git config user.email 2> /dev/null || echo $$(id -un)@$$(hostname))
export DEBFULLNAME DEBEMAIL
endif
ifneq ($(filter vm,$(MAKECMDGOALS)),)
$(if $(value CMD),,$(error CMD is missing: make vm CMD='uname -a'))
endif
# Shells see CMD as it was typed
override CMD := $(value CMD)
export BASE SCHED SECS CPUS ICOUNT CLAIMS TIMEOUT APPEND MEM CMD
# Kernels and tools have an ARCH of their own: they must not see this one
unexport ARCH
MAKEOVERRIDES :=
names = $(shell BASE=$(filter $(BASES),$(BASE)) vm/names $(1))
base := $(call names,base)
NAME := $(KERNEL)$(base)$(filter-out -x86,-$(ARCH))
TOOLS := $(call names,tools)
TOOLS-arm64 := $(call names,tools-arm64)
# x86 machines have the files of this one
ROOT := $(if $(filter arm64,$(ARCH)),build/root-arm64/.unpacked)

# Some commands have defaults of their own
default = $(if $(filter file,$(origin $(1))),$(2),$($(1)))
PARTS ?= $(or $(filter $(VARIANTS),$(KERNEL)),$(filter arm64,$(ARCH)))
TORTURE_KERNEL := $(call default,KERNEL,debug)
TORTURE_SECS := $(call default,SECS,300)

MAKEFLAGS += --no-print-directory
# The first base is in the archive of this machine's Debian, others are in trixie-backports
sources := $(if $(base),build,/usr/src)
TARBALL := $(sources)/linux-source-$(BASE).tar.xz
CONFIGS := linux-config-$(BASE)
DEBIAN_CONFIG := $(sources)/$(CONFIGS)/config.amd64_none_$(FLAVOUR:cloud=cloud-amd64).xz
DEB_CONFIG := $(if $(filter custom,$(FLAVOUR)),$(CONFIG),$(DEBIAN_CONFIG))
VM_CONFIG := vm/config/kernel.config vm/config/jump-label.config $(wildcard vm/config/[0-9]*.config)
SOURCE := build/src-patched$(base)
STOCK := $(addsuffix /.done,build/stock$(base) build/stock-rt$(base) build/stock$(base)-arm64)
PATCHED := $(addsuffix /.done,build/patched$(base) build/patched$(base)-arm64 $(VARIANTS:%=build/%$(base)))
DEB := build/deb-$(FLAVOUR)$(base)/.done
# What the patched tree is made from; directories too, for a step that goes
SERIES := $(shell find series/) $(wildcard $(shell cat series/*/files series/*/*/files 2> /dev/null))

# What ran in the machine decides make's own exit status
ifneq ($(filter vm run torture,$(MAKECMDGOALS)),)
-load build/exit-status.so
endif
leave = status=$$?; echo $$status > build/status.$$PPID; exit $$status

help: ## print these lines
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20
	@echo
	@echo '  On Debian 12 or 13. What is missing is installed by apt.'
	@echo
	@echo '  KERNEL=$(KERNEL) ($(KERNELS)), ARCH=$(ARCH) ($(ARCHS)), CPUS=$(CPUS),'
	@echo '  BASE=$(BASE) ($(BASES)),'
	@echo '  TIMEOUT=$(TIMEOUT) (seconds), ICOUNT=$(ICOUNT) (1: a guest nanosecond is an instruction), MEM=2G,'
	@echo '  APPEND= (kernel parameters), SCHED=$(SCHED) ($(SCHEDS)),'
	@echo '  FLAVOUR=$(FLAVOUR) ($(FLAVOURS)), CONFIG= (of make deb: configuration of FLAVOUR=custom),'
	@echo '  SECS=$(SECS), PARTS= (of make test, see vm/test), SEED=$(SEED), TORTURE="-h" (options of make torture),'
	@echo '  ROUNDS= (of make bench and clients), RUNS= (of make bench, see vm/bench),'
	@echo '  CLIENTS= (of make clients, see vm/clients.list), LOAD=run (run hackbench: of make clients),'
	@echo '  CLAIMS=$(CLAIMS) (1: make clients compares schedulers with those that vm/claims/*.cocci changes)'

run: TIMEOUT := $(shell expr $(SECS) + 120)
run: kernel tools ## put SCHED in control of a real load for SECS seconds and report
	@vm/qemu $(NAME) "SCHED=$(SCHED) SECS=$(SECS) KERNEL=$(KERNEL) SCX_BIN=$(TOOLS)/bin \
		vm/guest/run"; $(leave)

test: export TIMEOUT := $(call default,TIMEOUT,)
test: setup $(if $(filter arm64,$(PARTS)),$(TOOLS-arm64)/.done build/root-arm64/.unpacked)
ifneq ($(filter-out arm64,$(or $(PARTS),all)),)
test: $(TOOLS)/.done $(patsubst %,build/%$(base)/.done,$(or $(filter $(VARIANTS),$(PARTS)),stock))
test: $(patsubst %,build/stock-%$(base)/.done,$(filter rt,$(PARTS)))
endif
test: ## run all tests, some in the stock kernel too; KERNEL=debug, kcsan, rt, dynamic, ARCH=arm64: the selftests
	@vm/test $(PARTS)

# Beside its options there is the time to boot, to wait for what may come late, and to end
torture: export TIMEOUT := $(call default,TIMEOUT,$(shell expr $(TORTURE_SECS) + 900))
torture: export NMI := 0.3
torture: setup $(TOOLS)/.done build/$(TORTURE_KERNEL)$(base)/.done
torture: ## kicks and faults at random for SECS seconds, with SEED, on the debug kernel
	@vm/qemu $(TORTURE_KERNEL)$(base) "KICK_LOST_SECS=60 vm/guest/log $(TOOLS)/selftests/kick_torture \
		-t $(TORTURE_SECS) -s $(SEED) $(TORTURE)"; $(leave)

kernel: setup build/$(NAME)/.done ## build build/KERNEL, build/KERNEL-BASE, build/KERNEL-arm64, ...

image: kernel ## print the path of its bzImage, or Image
	@echo $(CURDIR)/build/$(NAME)/arch/$(ARCH)/boot/$(if $(filter arm64,$(ARCH)),Image,bzImage)

tools: setup $(if $(filter arm64,$(ARCH)),$(TOOLS-arm64),$(TOOLS))/.done ## build libbpf, bpftool, the schedulers and selftests

vm: kernel $(ROOT) ## run CMD='...' as root in the machine
	@vm/qemu $(NAME) "$$CMD"; $(leave)

shell: kernel $(ROOT) ## a root shell in the machine
	@INTERACTIVE=1 vm/qemu $(NAME) 'exec bash -i'

bench: export SECS := $(call default,SECS,)
bench: setup build/stock$(base)/.done $(TOOLS)/.done ## stock and patched in alternation: table, out/bench/page.html, *.tsv and *.svg
	@vm/setup vm/packages/bench
	@vm/bench

urgent: setup build/stock$(base)/.done $(TOOLS)/.done ## scx_urgent with and without claims, stock and patched
	@for kernel in stock patched; do TIMEOUT=400 vm/qemu $$kernel$(base) \
		"KERNEL=$$kernel SCX_BIN=$(TOOLS)/bin vm/guest/urgent" || exit; done

# Beside SECS there is the time to boot, to load, to start the load, to do what is not timed, and to end
clients: export SECS := $(call default,SECS,10)
clients: export TIMEOUT := $(call default,TIMEOUT,$(shell expr $(call default,SECS,10) + 240 + 360 \* $(CLAIMS)))
clients: build-clients build/stock$(base)/.done build/patched$(base)/.done
clients: ## schedulers people run, from crates.io, on stock and patched: table, out/clients
	@vm/clients

# Each base has names of its own for what it builds
bundle: setup ## stock and patched of each base, to be tested and measured on any x86-64 Linux: out/bundle
	@vm/setup vm/packages/bench vm/packages/bundle
	@for base in $(BASES); do \
		$(MAKE) BASE=$$base KERNEL=stock kernel && $(MAKE) BASE=$$base KERNEL=patched kernel tools || exit; done
	@vm/bundle/build $(BASES)

build-clients: setup
	@vm/setup vm/packages/clients
	@vm/build-clients

model: ## check the protocol's model exhaustively, and that its mutants fail
	@vm/setup vm/packages/model
	@tools/verification/models/sched_ext/check.sh

series: build/base$(base)/.unpacked ## write the patches for git send-email to out/series, or out/series-BASE
	@series/mail build/base$(base) out/series$(base)

dist: series ## the series as a tarball with its checksum, in out/dist
	@series/dist out/series$(base) out/dist $(base)

deb: setup-deb build/deb-$(FLAVOUR)$(base)/.done $(TOOLS)/.done ## Debian packages of a FLAVOUR of the kernel, and of the tools, in out/deb
	@deb/build $(FLAVOUR) $(SCHEDS) scx_kickbench scx_kicktop

deb-test: export TIMEOUT := $(call default,TIMEOUT,)
deb-test: deb ## install them in a Debian, boot it twice with scx_central as a service, remove them
	@FLAVOUR=$(FLAVOUR) vm/test deb

check-base: setup ## the series on all bases that Debian 12 and 13 have, or on BASE, with the tools of either
	@vm/check/base $(if $(filter file,$(origin BASE)),,$(BASE))

bisect-check: build/base$(base)/.unpacked ## build each step of the series, also without sched_ext, without SMP, ...
	@vm/check/bisect

check: build/src-patched$(base)/.series build/patched$(base)/.done ## static checks, and the pages of the documentation
	@vm/setup vm/packages/check
	@vm/check/static

setup:
	@vm/setup vm/packages/build

setup-arm64: setup
	@vm/setup vm/packages/arm64

setup-deb: setup
	@vm/setup vm/packages/deb

build/exit-status.so: vm/exit-status.c | setup
	@mkdir -p build
	@$(CC) -O2 -Wall -shared -fPIC -o $@ $<

ifeq ($(base),)
$(TARBALL): | setup
$(DEBIAN_CONFIG): | setup-deb
else
$(TARBALL): | setup
	@vm/fetch-base $(basename $(basename $(@F))) usr/src/$(@F) $@

$(DEBIAN_CONFIG): | setup
	@vm/fetch-base $(CONFIGS) usr/src/$(CONFIGS)/$(@F) $@
endif

build/base$(base)/.unpacked: $(TARBALL) | setup
	@vm/unpack $< $(@D)

$(SOURCE)/.series: build/base$(base)/.unpacked $(SERIES)
	@series/apply build/base$(base) $(@D)

build/root-arm64/.unpacked: vm/root-arm64 | setup-arm64
	@vm/root-arm64 $(@D)

$(STOCK): build/base$(base)/.unpacked
	@vm/build-kernel $(notdir $(@D)) build/base$(base)

# A change of tools or documents leaves the kernels as they are
$(PATCHED) $(DEB): build/base$(base)/.unpacked $(filter-out tools/% Documentation/%,$(SERIES)) | $(SOURCE)/.series
	@vm/build-kernel $(notdir $(@D)) $(SOURCE) $(filter $(DEB_CONFIG),$^)

$(STOCK) $(PATCHED): $(VM_CONFIG)
$(filter-out %-arm64/.done,$(STOCK) $(PATCHED)): vm/config/x86.config
$(filter %-arm64/.done,$(STOCK) $(PATCHED)): vm/config/arm64.config | setup-arm64
$(VARIANTS:%=build/%$(base)/.done): build/%$(base)/.done: vm/config/%.config
build/stock-rt$(base)/.done: vm/config/rt.config
$(DEB): vm/config/deb.config $(DEB_CONFIG) CHANGELOG.md | setup-deb

$(TOOLS)/.done: build/patched$(base)/.done $(SOURCE)/.series
	@vm/build-tools patched$(base) $(@D)

$(TOOLS-arm64)/.done: build/patched$(base)-arm64/.done $(SOURCE)/.series | build/root-arm64/.unpacked
	@vm/build-tools patched$(base)-arm64 $(@D)

.PHONY: help run test torture kernel image tools vm shell bench bundle urgent clients build-clients model series dist deb deb-test check-base bisect-check check setup setup-arm64 setup-deb
