import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ExecutionContext } from 'ava';
import type { ArchiveServer } from '#lib/server/index.js';
import { until } from '../helpers/wait.js';

/** A connection on which a test writes its requests itself, byte by byte, and sees what comes back. */
export class RawConnection {
	readonly socket: Socket;
	/** All that has come, one character a byte. */
	received = '';
	/** The system's code of what broke the connection; null for one that ended. */
	broke: string | null = null;
	#isClosed = false;

	private constructor(socket: Socket) {
		this.socket = socket;
		socket.setEncoding('latin1').on('data', (text: string) => {
			this.received += text;
		});
		socket.on('error', (error: NodeJS.ErrnoException) => {
			this.broke = error.code ?? error.message;
		});
		socket.on('close', () => {
			this.#isClosed = true;
		});
	}

	/** Connects to a server's URL; over TLS whatever its certificate. It is closed with the test. */
	static open(t: ExecutionContext, url: string): RawConnection {
		const { port, protocol } = new URL(url);
		const address = { host: '127.0.0.1', port: Number(port) };
		const isTls = protocol === 'https:';
		const socket = isTls ? connectTls({ ...address, rejectUnauthorized: false }) : connect(address);
		t.teardown(() => socket.destroy());
		return new RawConnection(socket);
	}

	/** Writes text, one byte a character. */
	write(text: string): void {
		this.socket.write(text, 'latin1');
	}

	/** Waits until what has come matches. */
	async has(pattern: RegExp): Promise<void> {
		await until(
			() => pattern.test(this.received),
			() => `no ${pattern} in ${JSON.stringify(this.received)}, ${this.#isClosed ? 'closed' : 'open'}`,
		);
	}

	/** All that came, once the connection is closed. */
	async closed(): Promise<string> {
		await until(
			() => this.#isClosed,
			() => `still open after ${JSON.stringify(this.received)}`,
		);
		return this.received;
	}
}

/** What a server writes to all of its connections, write by write as the system gets them, one character a byte. */
export function writesOf(server: ArchiveServer): string[] {
	const writes: string[] = [];
	const event = server.endpoint.startsWith('https') ? 'secureConnection' : 'connection';
	server.on(event, (socket: Socket) => {
		const write = socket._write.bind(socket);
		const writev = socket._writev?.bind(socket);
		socket._write = (chunk: Buffer | string, encoding, callback) => {
			writes.push(textOf(chunk, encoding));
			write(chunk, encoding, callback);
		};
		socket._writev = (chunks, callback) => {
			writes.push(chunks.map(({ chunk, encoding }) => textOf(chunk, encoding)).join(''));
			writev?.(chunks, callback);
		};
	});
	return writes;
}

function textOf(chunk: Buffer | string, encoding: BufferEncoding): string {
	return (typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk).toString('latin1');
}
