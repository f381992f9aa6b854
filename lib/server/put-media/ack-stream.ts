import { Readable } from 'node:stream';
import { type Ack, ackLine } from './ack.js';

/** Acknowledgements that a producer has not read; producers may read them all at the end. */
const MAX_UNREAD_ACKS = 100_000;

/** The acknowledgements of a connection, one line an item, for as long as its producer reads them or not. */
export class AckStream {
	/** The lines. To be destroyed where the producer disconnects. */
	readonly lines: Readable;

	/** @param onClosed - called when the lines are destroyed before their end */
	constructor(onClosed: () => void) {
		this.lines = new Readable({
			objectMode: true,
			read() {},
			destroy: (_error, done) => {
				onClosed();
				done(null);
			},
		});
	}

	/** Whether more are unread than are kept. */
	get isFull(): boolean {
		return this.lines.readableLength >= MAX_UNREAD_ACKS;
	}

	/** Adds one. */
	push(ack: Ack): void {
		this.lines.push(ackLine(ack));
	}

	/** Nothing follows. */
	end(): void {
		this.lines.push(null);
	}
}
