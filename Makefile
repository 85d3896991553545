# SPDX-License-Identifier: GPL-2.0-only
# Base, series, kernels, BPF tools and the machine they run in. `make help` lists the commands.

KERNEL ?= patched
SCHED ?= scx_central
SECS ?= 20
CPUS ?= 4
ICOUNT ?= 0
TIMEOUT ?= 300

KERNELS := stock patched debug kcsan
SCHEDS := $(sort scx_central scx_flatcg scx_qmap scx_simple $(basename $(basename $(notdir $(wildcard tools/sched_ext/*.bpf.c)))))

one-of = $(if $(filter 1,$(words $($(1)))),$(filter $($(1)),$(2)))
number = $(shell case '$($(1))' in ('' | 0* | *[!0-9]*) ;; (*) echo yes ;; esac)
refuse = $(error $(1)=$($(1)) is not possible: $(1) is $(2))
$(if $(call one-of,KERNEL,$(KERNELS)),,$(call refuse,KERNEL,one of $(KERNELS)))
$(if $(call one-of,SCHED,$(SCHEDS)),,$(call refuse,SCHED,one of $(SCHEDS)))
$(if $(call one-of,CPUS,$(shell seq 255)),,$(call refuse,CPUS,1 to 255))
$(if $(call one-of,ICOUNT,0 1),,$(call refuse,ICOUNT,0 or 1))
$(if $(call number,SECS),,$(call refuse,SECS,a number of seconds above 0))
$(if $(call number,TIMEOUT),,$(call refuse,TIMEOUT,a number of seconds above 0))
$(if $(filter vm,$(MAKECMDGOALS)),$(if $(value CMD),,$(error CMD= is missing: make vm CMD='uname -a')))
# Shells see CMD as it was typed
override CMD := $(value CMD)
export SCHED SECS CPUS ICOUNT TIMEOUT APPEND MEM CMD

MAKEFLAGS += --no-print-directory
TARBALL := /usr/src/linux-source-6.12.tar.xz
# What the series is made from: its directories too, for a step that goes
SERIES := $(shell find series) $(shell cat series/*/files 2>/dev/null)
tree = $(if $(filter stock,$(KERNEL)),base,src-patched)

help: ## these lines
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20
	@echo
	@echo '  Variables: KERNEL=$(KERNEL) ($(KERNELS))'
	@echo '             SCHED=$(SCHED) ($(SCHEDS))'
	@echo '             SECS=$(SECS) CPUS=$(CPUS) TIMEOUT=$(TIMEOUT) ICOUNT=$(ICOUNT) MEM=2G APPEND="kernel parameters"'

kernel: setup build/$(tree).stamp ## build $(KERNEL) in build/$(KERNEL)
	@vm/build-kernel $(KERNEL) build/$(tree)

image: kernel ## print the path of the bzImage
	@echo $(CURDIR)/build/$(KERNEL)/arch/x86/boot/bzImage

vm: kernel ## run CMD='...' as root in the machine
	@vm/qemu $(KERNEL) "$$CMD"

shell: kernel ## a root shell in the machine
	@INTERACTIVE=1 vm/qemu $(KERNEL) 'exec bash -i'

setup:
	@vm/setup vm/packages

$(TARBALL): | setup

build/base.stamp: $(TARBALL) | setup
	@vm/unpack $< build/base
	@touch $@

build/src-patched.stamp: build/base.stamp $(SERIES)
	@series/apply build/base build/src-patched
	@touch $@

.PHONY: help kernel image vm shell setup
