// SPDX-License-Identifier: Apache-2.0
/*
 * A guest that does what its user space asks, one small thing at a time, and tells what it saw: the guest side of
 * replaying recorded traces. Between two commands it holds nothing in vector registers and touches none of them.
 */
#include "guest.h"
#include "driver.h"
#include "move_all.h"

#define mail	s0
#define id	s1

	.macro	export name, value
	.globl	\name
	.set	\name, \value
	.endm

	export	driver_mail_scause,	MAIL_SCAUSE
	export	driver_mail_stval,	MAIL_STVAL
	export	driver_mail_sepc,	MAIL_SEPC
	export	driver_mail_sstatus_in,	MAIL_SSTATUS_IN
	export	driver_mail_sstatus_out, MAIL_SSTATUS_OUT
	export	driver_mail_vstart,	MAIL_VSTART
	export	driver_mail_vl,		MAIL_VL
	export	driver_mail_vtype,	MAIL_VTYPE
	export	driver_mail_vcsr,	MAIL_VCSR
	export	driver_mail_vlenb,	MAIL_VLENB
	export	driver_mail_vxrm,	MAIL_VXRM
	export	driver_mail_vxsat,	MAIL_VXSAT
	export	driver_mail_result,	MAIL_RESULT
	export	driver_mail_arg0,	MAIL_ARG0
	export	driver_mail_arg1,	MAIL_ARG1
	export	driver_mail_arg2,	MAIL_ARG2
	export	driver_mail_arg3,	MAIL_ARG3
	export	driver_mail_left,	MAIL_LEFT
	export	driver_mail_csr_changes, MAIL_CSR_CHANGES
	export	driver_mail_buffer,	MAIL_BUFFER
	export	driver_mail_second,	MAIL_SECOND
	export	driver_mail_size,	MAIL_SIZE

	export	driver_ready,		DRIVER_READY
	export	driver_done,		DRIVER_DONE
	export	driver_trap,		DRIVER_TRAP

	export	driver_slots,		DRIVER_SLOTS
	export	driver_cmd_nop,		DRIVER_NOP
	export	driver_cmd_set_vs,	DRIVER_SET_VS
	export	driver_cmd_csrs,	DRIVER_CSRS
	export	driver_cmd_dump,	DRIVER_DUMP
	export	driver_cmd_load,	DRIVER_LOAD
	export	driver_cmd_vsetvl,	DRIVER_VSETVL
	export	driver_cmd_csrw,	DRIVER_CSRW
	export	driver_cmd_execute,	DRIVER_EXECUTE
	export	driver_cmd_store,	DRIVER_STORE
	export	driver_cmd_mmio,	DRIVER_MMIO
	export	driver_cmd_putchar,	DRIVER_PUTCHAR
	export	driver_cmd_hart_start,	DRIVER_HART_START
	export	driver_cmd_hart_stop,	DRIVER_HART_STOP
	export	driver_cmd_watch,	DRIVER_WATCH

#define SBI_HSM		0x48534d

	/* \op v0..v31, eight at a time, from \at on; clobbers \at and t0 */
	.section .text.start, "ax"

	.globl	_start
	.balign	4
_start:
	mv	id, a0
	lla	mail, heap
	li	t0, MAIL_SIZE
	mul	t0, t0, id
	add	mail, mail, t0
	lla	t0, trapped
	csrw	stvec, t0
	csrr	t0, sstatus
	sd	t0, MAIL_SSTATUS_IN(mail)
	li	a0, DRIVER_READY
	j	report

done:	li	a0, DRIVER_DONE
report:
	csrr	t0, sstatus
	sd	t0, MAIL_SSTATUS_OUT(mail)
	sbi	SBI_REPORT
	csrr	t0, sstatus
	sd	t0, MAIL_SSTATUS_IN(mail)
	slli	a1, a1, 2
	lla	t0, commands
	add	t0, t0, a1
	jr	t0
commands:
	j	done
	j	set_vs
	j	csrs
	j	dump
	j	load
	j	do_vsetvl
	j	do_csrw
	j	execute
	j	store
	j	mmio
	j	putchar
	j	hart_start
	j	hart_stop
	j	watch

	.balign	4
trapped:
	csrr	t0, scause
	sd	t0, MAIL_SCAUSE(mail)
	csrr	t0, stval
	sd	t0, MAIL_STVAL(mail)
	csrr	t0, sepc
	sd	t0, MAIL_SEPC(mail)
	li	a0, DRIVER_TRAP
	j	report

set_vs:
	ld	t1, MAIL_ARG0(mail)
	slli	t1, t1, 9
	li	t0, SR_VS
	csrc	sstatus, t0
	csrs	sstatus, t1
	j	done

read_csrs:
	csrr	t1, vstart
	sd	t1, MAIL_VSTART(mail)
	csrr	t0, vl
	sd	t0, MAIL_VL(mail)
	csrr	t0, vtype
	sd	t0, MAIL_VTYPE(mail)
	csrr	t0, vcsr
	sd	t0, MAIL_VCSR(mail)
	csrr	t0, vlenb
	sd	t0, MAIL_VLENB(mail)
	csrr	t0, vxrm
	sd	t0, MAIL_VXRM(mail)
	csrr	t0, vxsat
	sd	t0, MAIL_VXSAT(mail)
	ret

csrs:	jal	read_csrs
	j	done

dump:
	jal	read_csrs
	csrw	vstart, zero			# or the stores would start behind it
	addi	t2, mail, MAIL_BUFFER
	move_all vs8r.v, t2
	ld	t0, MAIL_VL(mail)
	ld	t2, MAIL_VTYPE(mail)
	vsetvl	t0, t0, t2			# changes nothing; not every hart marks VS Dirty for a store (L-1)
	csrw	vstart, t1
	j	done

load:
	csrw	vstart, zero
	addi	t2, mail, MAIL_BUFFER
	move_all vl8re8.v, t2
	ld	t0, MAIL_ARG2(mail)
	csrw	vcsr, t0
	ld	t0, MAIL_ARG0(mail)
	ld	t1, MAIL_ARG1(mail)
	vsetvl	t0, t0, t1
	sd	t0, MAIL_RESULT(mail)
	ld	t0, MAIL_ARG3(mail)
	csrw	vstart, t0			# last: every vector instruction clears it
	j	done

do_vsetvl:
	ld	t0, MAIL_ARG0(mail)
	ld	t1, MAIL_ARG1(mail)
	vsetvl	t0, t0, t1
	sd	t0, MAIL_RESULT(mail)
	jal	read_csrs
	j	done

do_csrw:
	ld	t0, MAIL_ARG0(mail)
	ld	t1, MAIL_ARG1(mail)
	csrw	vstart, t0
	csrw	vcsr, t1
	j	done

execute:
	fence.i
	.globl	driver_slot
driver_slot:
	.rept	DRIVER_SLOTS
	nop
	.endr
	j	done

store:
	addi	t2, mail, MAIL_BUFFER
	vs1r.v	v0, (t2)
	j	done

mmio:
	ld	t0, MAIL_ARG0(mail)
	ld	t1, MAIL_ARG1(mail)
	sd	t1, 0(t0)
	ld	t1, 8(t0)
	sd	t1, MAIL_RESULT(mail)
	j	done

putchar:
	li	a0, '.'
	sbi	SBI_PUTCHAR
	j	done

hart_start:
	ld	a0, MAIL_ARG0(mail)
	lla	a1, _start
	li	a2, 0
	li	a6, 0
	sbi	SBI_HSM
	sd	a0, MAIL_RESULT(mail)
	j	done

hart_stop:
	li	a6, 1
	sbi	SBI_HSM
	j	done				# only if that failed

watch:
	jal	read_csrs
	addi	t2, mail, MAIL_BUFFER
	move_all vs8r.v, t2
	sd	zero, MAIL_CSR_CHANGES(mail)
	ld	s2, MAIL_ARG0(mail)
look:
	beqz	s2, watched
	addi	s2, s2, -1
	csrr	t0, vl
	ld	t1, MAIL_VL(mail)
	xor	s3, t0, t1
	csrr	t0, vtype
	ld	t1, MAIL_VTYPE(mail)
	xor	t0, t0, t1
	or	s3, s3, t0
	csrr	t0, vcsr
	ld	t1, MAIL_VCSR(mail)
	xor	t0, t0, t1
	or	s3, s3, t0
	snez	s3, s3
	ld	t0, MAIL_CSR_CHANGES(mail)
	add	t0, t0, s3
	sd	t0, MAIL_CSR_CHANGES(mail)
	li	t3, MAIL_SECOND
	add	t2, mail, t3
	move_all vs8r.v, t2
	addi	t2, mail, MAIL_BUFFER
	add	t3, mail, t3
	csrr	t4, vlenb
	slli	t4, t4, 2			# words of 32 registers
word:	ld	t0, (t2)
	ld	t1, (t3)
	bne	t0, t1, watched
	addi	t2, t2, 8
	addi	t3, t3, 8
	addi	t4, t4, -1
	bnez	t4, word
	j	look
watched:
	sd	s2, MAIL_LEFT(mail)
	beqz	s2, done
	li	t3, MAIL_SECOND			# again: the hart may have been taken between two of the stores
	add	t2, mail, t3
	move_all vs8r.v, t2
	jal	read_csrs
	j	done
