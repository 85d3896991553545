# SPDX-License-Identifier: GPL-2.0-only
# Base, series, kernels, BPF tools and the machine they run in. `make help` lists the commands.

KERNEL ?= patched
ARCH ?= x86
BASE ?= 6.12
SCHED ?= scx_central
SECS ?= 20
CPUS ?= 4
ICOUNT ?= 0
TIMEOUT ?= 300
SEED ?= 1
CONFIG ?=
FLAVOUR ?= $(if $(CONFIG),custom,cloud)

ARCHS := x86 arm64
BASES := 6.12 7.3
# The patched kernel with vm/VARIANT.config, and its own part of vm/test
VARIANTS := debug kcsan rt dynamic
VARIANTS-7.3 := dynamic
KERNELS := $(strip stock patched $(if $(filter x86,$(ARCH)),$(VARIANTS$(filter-out -6.12,-$(BASE)))))
FLAVOURS := cloud amd64 custom
SCHEDS := scx_central scx_flatcg scx_qmap scx_simple scx_urgent

one-of = $(if $(filter 1,$(words $($(1)))),$(filter $($(1)),$(2)))
number = $(shell case '$($(1))' in ('' | 0* | *[!0-9]*) ;; (*) echo yes ;; esac)
refuse = $(error $(1)=$($(1)) is not possible: $(1) is $(2))
$(if $(call one-of,ARCH,$(ARCHS)),,$(call refuse,ARCH,one of $(ARCHS)))
$(if $(call one-of,BASE,$(BASES)),,$(call refuse,BASE,one of $(BASES)))
$(if $(call one-of,KERNEL,$(KERNELS)),,$(call refuse,KERNEL,one of $(KERNELS)))
$(if $(call one-of,SCHED,$(SCHEDS)),,$(call refuse,SCHED,one of $(SCHEDS)))
$(if $(call one-of,FLAVOUR,$(FLAVOURS)),,$(call refuse,FLAVOUR,one of $(FLAVOURS)))
$(if $(call one-of,CPUS,$(shell seq 255)),,$(call refuse,CPUS,1 to 255))
$(if $(call one-of,ICOUNT,0 1),,$(call refuse,ICOUNT,0 or 1))
$(if $(call number,SECS),,$(call refuse,SECS,a number of seconds above 0))
$(if $(call number,TIMEOUT),,$(call refuse,TIMEOUT,a number of seconds above 0))
ifeq ($(ARCH),arm64)
$(foreach goal,$(filter run torture bench urgent clients bisect-check deb deb-test,$(MAKECMDGOALS)),\
	$(error make $(goal) is for x86: ARCH=arm64 is for kernel, image, tools, vm, shell and test))
endif
ifneq ($(filter deb deb-test,$(MAKECMDGOALS)),)
$(if $(filter custom,$(FLAVOUR)),$(if $(wildcard $(CONFIG)),,$(call refuse,CONFIG,a kernel's configuration file)))
DEBFULLNAME ?= $(shell git config user.name 2> /dev/null || id -un)
DEBEMAIL ?= $(shell git config user.email 2> /dev/null || echo $$(id -un)@$$(hostname))
export DEBFULLNAME DEBEMAIL
endif
ifeq ($(BASE),7.3)
$(if $(filter x86,$(ARCH)),,$(call refuse,ARCH,x86 with BASE=7.3))
$(foreach goal,$(filter run torture urgent clients dist bisect-check check deb deb-test,$(MAKECMDGOALS)),\
	$(error make $(goal) is for 6.12: BASE=7.3 is for kernel, image, tools, vm, shell, test, bench and series))
endif
ifneq ($(filter vm,$(MAKECMDGOALS)),)
$(if $(value CMD),,$(error CMD is missing: make vm CMD='uname -a'))
endif
# Shells see CMD as it was typed
override CMD := $(value CMD)
export SCHED SECS CPUS ICOUNT TIMEOUT APPEND MEM CMD
# Kernels and tools have an ARCH of their own: they must not see this one
unexport ARCH
MAKEOVERRIDES :=
base := $(filter-out -6.12,-$(BASE))
suffix := $(strip $(base) $(filter-out -x86,-$(ARCH)))
NAME := $(KERNEL)$(suffix)
TOOLS := build/tools$(addprefix -patched,$(suffix))/.done
# x86 machines have the files of this one
ROOT := $(if $(filter arm64,$(ARCH)),build/root-arm64/.unpacked)

# Some commands have defaults of their own
default = $(if $(filter file,$(origin $(1))),$(2),$($(1)))
PARTS ?= $(or $(addsuffix $(base),$(filter $(VARIANTS),$(KERNEL))),$(filter arm64,$(ARCH)),$(filter 7.3,$(BASE)))
TORTURE_KERNEL := $(call default,KERNEL,debug)
TORTURE_SECS := $(call default,SECS,300)

MAKEFLAGS += --no-print-directory
TARBALL := /usr/src/linux-source-6.12.tar.xz
DEBIAN_CONFIG := /usr/src/linux-config-6.12/config.amd64_none_$(FLAVOUR:cloud=cloud-amd64).xz
DEB_CONFIG := $(if $(filter custom,$(FLAVOUR)),$(CONFIG),$(DEBIAN_CONFIG))
TARBALL-7.3 := build/linux-source-7.3.tar.xz
VM_CONFIG := vm/kernel.config vm/jump-label.config
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
	@echo '  BASE=$(BASE) ($(BASES)), of which 7.3 is for kernel, image, tools, vm, shell, test, bench and series,'
	@echo '  TIMEOUT=$(TIMEOUT) (seconds), ICOUNT=$(ICOUNT) (1: a guest nanosecond is an instruction), MEM=2G,'
	@echo '  APPEND= (kernel parameters), SCHED=$(SCHED) ($(SCHEDS)),'
	@echo '  FLAVOUR=$(FLAVOUR) ($(FLAVOURS)), CONFIG= (of make deb: configuration of FLAVOUR=custom),'
	@echo '  SECS=$(SECS), PARTS= (of make test, see vm/test), SEED=$(SEED), TORTURE="-h" (options of make torture),'
	@echo '  CLIENTS= (of make clients, see vm/clients.list)'

run: TIMEOUT := $(shell expr $(SECS) + 120)
run: kernel tools ## put SCHED in control of a real load for SECS seconds and report
	@vm/qemu $(KERNEL) "SCHED=$(SCHED) SECS=$(SECS) KERNEL=$(KERNEL) SCX_BIN=build/tools/bin \
		vm/guest-run"; $(leave)

test: export TIMEOUT := $(call default,TIMEOUT,)
test: setup $(if $(filter arm64,$(PARTS)),build/tools-patched-arm64/.done build/root-arm64/.unpacked)
test: $(if $(filter %7.3,$(PARTS)),build/tools-patched-7.3/.done)
test: $(patsubst %,build/%/.done,$(filter dynamic-7.3,$(PARTS)))
ifneq ($(filter-out arm64 %7.3,$(or $(PARTS),all)),)
test: build/tools/.done $(patsubst %,build/%/.done,$(or $(filter $(VARIANTS),$(PARTS)),stock))
endif
test: ## run all tests, some in the stock kernel too; KERNEL=debug, kcsan, rt, dynamic, ARCH=arm64, BASE=7.3: the selftests
	@vm/test $(PARTS)

# Beside its options there is the time to boot, to wait for what may come late, and to end
torture: export TIMEOUT := $(call default,TIMEOUT,$(shell expr $(TORTURE_SECS) + 900))
torture: export NMI := 0.3
torture: setup build/tools/.done build/$(TORTURE_KERNEL)/.done
torture: ## kicks and faults at random for SECS seconds, with SEED, on the debug kernel
	@vm/qemu $(TORTURE_KERNEL) "KICK_LOST_SECS=60 vm/guest-log build/tools/selftests/kick_torture \
		-t $(TORTURE_SECS) -s $(SEED) $(TORTURE)"; $(leave)

kernel: setup build/$(NAME)/.done ## build build/KERNEL, or build/KERNEL-arm64

image: kernel ## print the path of its bzImage, or Image
	@echo $(CURDIR)/build/$(NAME)/arch/$(ARCH)/boot/$(if $(filter arm64,$(ARCH)),Image,bzImage)

tools: setup $(TOOLS) ## build libbpf, bpftool, the schedulers and selftests

vm: kernel $(ROOT) ## run CMD='...' as root in the machine
	@vm/qemu $(NAME) "$$CMD"; $(leave)

shell: kernel $(ROOT) ## a root shell in the machine
	@INTERACTIVE=1 vm/qemu $(NAME) 'exec bash -i'

bench: setup build/stock$(base)/.done $(TOOLS) ## stock and patched side by side: table, out/bench/*.tsv and *.svg
	@vm/setup vm/packages-bench
	@BASE=$(BASE) vm/bench

figures: ## take the instructions of make bench over into the pages and cover letters
	@vm/figures

urgent: setup build/stock/.done build/tools/.done ## scx_urgent with and without claims, stock and patched
	@for kernel in stock patched; do TIMEOUT=400 vm/qemu $$kernel \
		"KERNEL=$$kernel SCX_BIN=build/tools/bin vm/guest-urgent" || exit; done

# Beside SECS there is the time to boot, to load, to start the load, and to end
clients: export SECS := $(call default,SECS,10)
clients: export TIMEOUT := $(call default,TIMEOUT,$(shell expr $(call default,SECS,10) + 240))
clients: build-clients build/stock/.done build/patched/.done
clients: ## schedulers people run, from crates.io, on stock and patched: table, out/clients
	@vm/clients

build-clients: setup
	@vm/setup vm/packages-clients
	@vm/build-clients

model: ## check the protocol's model exhaustively, and that its mutants fail
	@vm/setup vm/packages-model
	@tools/verification/models/sched_ext/check.sh

series: build/base$(base)/.unpacked ## write the patches for git send-email to out/series, or out/series-7.3
	@series/mail build/base$(base) out/series$(base)

dist: series ## the series as a tarball with its checksum, in out/dist
	@series/dist out/series out/dist

deb: setup-deb build/deb-$(FLAVOUR)/.done build/tools/.done ## Debian packages of a FLAVOUR of the kernel, and of the tools, in out/deb
	@deb/build $(FLAVOUR) $(SCHEDS) scx_kickbench scx_kicktop

deb-test: export TIMEOUT := $(call default,TIMEOUT,)
deb-test: deb ## install them in a Debian, boot it twice with scx_central as a service, remove them
	@FLAVOUR=$(FLAVOUR) vm/test deb

check-base: setup ## the series on the bases that Debian 12 and 13 have, with the tools of either
	@vm/check-base

bisect-check: build/base/.unpacked ## build each step of the series, also without sched_ext, without SMP, ...
	@vm/bisect-check

check: build/src-patched/.series build/patched/.done ## static checks, and the pages of the documentation
	@vm/setup vm/packages-check
	@vm/check

setup:
	@vm/setup vm/packages

setup-arm64: setup
	@vm/setup vm/packages-arm64

setup-deb: setup
	@vm/setup vm/packages-deb

$(TARBALL): | setup
$(DEBIAN_CONFIG): | setup-deb

build/exit-status.so: vm/exit-status.c | setup
	@mkdir -p build
	@$(CC) -O2 -Wall -shared -fPIC -o $@ $<

$(TARBALL-7.3): | setup
	@vm/fetch-base 7.3 $@

build/base/.unpacked: $(TARBALL) | setup
	@vm/unpack $< build/base

build/base-7.3/.unpacked: $(TARBALL-7.3)
	@vm/unpack $< build/base-7.3

build/src-patched/.series: build/base/.unpacked $(SERIES)
	@series/apply build/base build/src-patched

build/src-patched-7.3/.series: build/base-7.3/.unpacked $(SERIES)
	@series/apply build/base-7.3 build/src-patched-7.3

build/root-arm64/.unpacked: vm/root-arm64 | setup-arm64
	@vm/root-arm64 $(@D)

build/stock/.done build/stock-arm64/.done: build/base/.unpacked $(VM_CONFIG)
	@vm/build-kernel $(notdir $(@D)) build/base

build/stock-7.3/.done: build/base-7.3/.unpacked $(VM_CONFIG)
	@vm/build-kernel stock-7.3 build/base-7.3

# A change of tools or documents leaves the kernels as they are
build/patched/.done build/patched-arm64/.done $(VARIANTS:%=build/%/.done) build/deb-$(FLAVOUR)/.done: build/base/.unpacked \
		$(filter-out tools/% Documentation/%,$(SERIES)) | build/src-patched/.series
	@vm/build-kernel $(notdir $(@D)) build/src-patched $(filter $(DEB_CONFIG),$^)

build/patched/.done build/patched-arm64/.done $(VARIANTS:%=build/%/.done): $(VM_CONFIG)
build/deb-$(FLAVOUR)/.done: vm/deb.config $(DEB_CONFIG) CHANGELOG.md | setup-deb

build/patched-7.3/.done build/dynamic-7.3/.done: build/base-7.3/.unpacked $(VM_CONFIG) \
		$(filter-out tools/% Documentation/%,$(SERIES)) | build/src-patched-7.3/.series
	@vm/build-kernel $(notdir $(@D)) build/src-patched-7.3

build/stock/.done build/patched/.done $(VARIANTS:%=build/%/.done): vm/x86.config
build/stock-7.3/.done build/patched-7.3/.done build/dynamic-7.3/.done: vm/x86.config vm/7.3.config
build/stock-arm64/.done build/patched-arm64/.done: vm/arm64.config | setup-arm64
$(VARIANTS:%=build/%/.done): build/%/.done: vm/%.config
build/dynamic-7.3/.done: vm/dynamic.config

build/tools/.done: build/patched/.done build/src-patched/.series
	@vm/build-tools

build/tools-patched-7.3/.done: build/patched-7.3/.done build/src-patched-7.3/.series
	@vm/build-tools patched-7.3

build/tools-patched-arm64/.done: build/patched-arm64/.done build/src-patched/.series | build/root-arm64/.unpacked
	@vm/build-tools patched-arm64

.PHONY: help run test torture kernel image tools vm shell bench figures urgent clients build-clients model series dist deb deb-test check-base bisect-check check setup setup-arm64 setup-deb
