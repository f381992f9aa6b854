import { type PesPacket, wrapTicks } from './pes-packet.js';

/** A transport packet (ISO 13818-1 §2.4.3.2). */
export const PACKET_BYTES = 188;
const HEADER_BYTES = 4;

/** What it carries besides its header, adaptation field included. */
export const PAYLOAD_BYTES = PACKET_BYTES - HEADER_BYTES;
const SYNC_BYTE = 0x47;

/** Continuity counters have four bits. */
export const COUNTER_RANGE = 16;

/** Length, flags, and a clock reference of six bytes. */
const CLOCK_BYTES = 8;

const RANDOM_ACCESS = 0x40;
const HAS_CLOCK = 0x10;

/**
 * Cuts sections and PES packets into transport packets.
 *
 * Every stream is given a multiple of sixteen packets, so that its continuity counter begins each segment at 0 and goes on
 * from segment to segment, in whatever session: the last PES packet is spread over as many packets as it takes.
 */
export class PacketWriter {
	readonly #packets: Buffer[] = [];
	readonly #counts = new Map<number, number>();

	/** A section in one packet of its own. */
	section(pid: number, section: Uint8Array): void {
		// The pointer field: the section begins at once. What follows it is stuffed with ones.
		const payload = Buffer.alloc(PAYLOAD_BYTES, 0xff);
		payload[0] = 0;
		payload.set(section, 1);
		this.#packets.push(Buffer.concat([this.#header(pid, { isStart: true, control: 1 }), payload]));
	}

	/** A PES packet; `clockTicks` is a clock reference to begin with, null for none. */
	pes(packet: PesPacket, clockTicks: number | null, isLast: boolean): void {
		const { pid, slices, sizeBytes, isRandomAccess } = packet;
		const payload = Buffer.concat(slices, sizeBytes);
		const adaptation = firstAdaptation(isRandomAccess, clockTicks);
		const firstRoom = PAYLOAD_BYTES - adaptation.byteLength;
		let packets = 1 + Math.max(0, Math.ceil((sizeBytes - firstRoom) / PAYLOAD_BYTES));
		const counter = (this.#counts.get(pid) ?? 0) % COUNTER_RANGE;
		if (isLast) packets += (COUNTER_RANGE - ((counter + packets) % COUNTER_RANGE)) % COUNTER_RANGE;
		let position = 0;
		for (let index = 0; index < packets; index++) {
			const own = index === 0 ? adaptation : Buffer.alloc(0);
			// A byte at least for each packet after this one.
			const size = Math.min(PAYLOAD_BYTES - own.byteLength, sizeBytes - position - (packets - index - 1));
			const field = stuffed(own, PAYLOAD_BYTES - size);
			const control = field.byteLength > 0 ? 3 : 1;
			const header = this.#header(pid, { isStart: index === 0, control });
			this.#packets.push(Buffer.concat([header, field, payload.subarray(position, position + size)]));
			position += size;
		}
	}

	/** A packet of a clock reference alone; it does not count. */
	clock(pid: number, clockTicks: number): void {
		const field = stuffed(firstAdaptation(false, clockTicks), PAYLOAD_BYTES);
		this.#packets.push(Buffer.concat([this.#header(pid, { isStart: false, control: 2 }), field]));
	}

	/** All packets so far. */
	bytes(): Buffer {
		return Buffer.concat(this.#packets);
	}

	/** `control`: 1 for a payload, 2 for an adaptation field, 3 for both. */
	#header(pid: number, { isStart, control }: { isStart: boolean; control: 1 | 2 | 3 }): Buffer {
		const count = this.#counts.get(pid) ?? 0;
		const isCounted = control !== 2;
		if (isCounted) this.#counts.set(pid, count + 1);
		// Without a payload the counter stays what it was in the packet before.
		const counter = (isCounted ? count : count + COUNTER_RANGE - 1) % COUNTER_RANGE;
		return Buffer.of(SYNC_BYTE, (isStart ? 0x40 : 0) | (pid >> 8), pid & 0xff, (control << 4) | counter);
	}
}

/** Sets the continuity counter of a packet. */
export function setCounter(packet: Uint8Array, count: number): void {
	packet[3] = ((packet[3] as number) & 0xf0) | (count % COUNTER_RANGE);
}

function firstAdaptation(isRandomAccess: boolean, clockTicks: number | null): Buffer {
	const flags = (isRandomAccess ? RANDOM_ACCESS : 0) | (clockTicks === null ? 0 : HAS_CLOCK);
	if (flags === 0) return Buffer.alloc(0);
	if (clockTicks === null) return Buffer.of(1, flags);
	const field = Buffer.alloc(CLOCK_BYTES);
	field[0] = CLOCK_BYTES - 1;
	field[1] = flags;
	// 33 bits of 90 kHz, six reserved ones, and nine bits of 27 MHz that stay zero.
	const base = wrapTicks(clockTicks);
	field.writeUInt32BE(Math.floor(base / 2), 2);
	field[6] = ((base % 2) << 7) | 0x7e;
	return field;
}

/** An adaptation field of an exact size (§2.4.3.5): none for 0, its length alone for 1, else stuffed with ones. */
function stuffed(field: Buffer, sizeBytes: number): Buffer {
	if (field.byteLength === sizeBytes) return field;
	const bytes = Buffer.alloc(sizeBytes, 0xff);
	bytes[0] = sizeBytes - 1;
	if (sizeBytes > 1) bytes[1] = 0;
	if (field.byteLength > 1) bytes.set(field.subarray(1), 1);
	return bytes;
}
