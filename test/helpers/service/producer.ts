import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** One acknowledgement as it came. */
export interface ReceivedAck {
	readonly EventType: string;
	readonly FragmentTimecode?: number;
	readonly FragmentNumber?: string;
	readonly ErrorId?: number;
	readonly ErrorCode?: string;
}

/** How a {@link Producer} introduces itself. */
export interface ProducerOptions {
	readonly stream: string;
	/** @default ABSOLUTE */
	readonly timecodes?: 'ABSOLUTE' | 'RELATIVE';
	/** As the header is to be. @default 0 */
	readonly start?: string;
	/** Further headers, whole lines. @default none */
	readonly headers?: readonly string[];
}

/** A producer of the tests' own: PutMedia over a raw socket, so that every byte and every border is the test's. */
export class Producer {
	/** All acknowledgements so far. */
	readonly acks: ReceivedAck[] = [];
	/** The HTTP chunks of the response so far, as text; the last one is empty. */
	readonly chunks: string[] = [];
	/** Status and headers of the response. */
	head = '';
	readonly socket: Socket;
	/** Resolves when the response has ended, or the connection is closed. */
	readonly ended: Promise<void>;
	#end = (): void => {};
	#received = '';
	#wake = (): void => {};

	private constructor(socket: Socket) {
		this.socket = socket;
		socket.setEncoding('latin1');
		socket.on('data', (text) => this.#take(String(text)));
		socket.on('error', () => {});
		this.ended = new Promise((resolve) => {
			this.#end = resolve;
			socket.once('end', resolve);
			socket.once('close', () => resolve());
		});
		void this.ended.then(() => this.#wake());
	}

	/** Connects and sends the headers. */
	static async open(endpoint: string, options: ProducerOptions): Promise<Producer> {
		return Producer.replay(endpoint, [
			'POST /putMedia HTTP/1.1',
			`Host: ${new URL(endpoint).hostname}`,
			'transfer-encoding: chunked',
			`x-amzn-stream-name: ${options.stream}`,
			`x-amzn-fragment-timecode-type: ${options.timecodes ?? 'ABSOLUTE'}`,
			`x-amzn-producer-start-timestamp: ${options.start ?? '0'}`,
			...(options.headers ?? []),
		]);
	}

	/** Connects and sends a request's head, given as its lines. */
	static async replay(endpoint: string, lines: readonly string[]): Promise<Producer> {
		const { hostname, port } = new URL(endpoint);
		const socket = connect(Number(port), hostname);
		await once(socket, 'connect');
		const producer = new Producer(socket);
		await producer.sendRaw(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`));
		return producer;
	}

	/** Sends bytes of the body as one HTTP chunk. */
	async send(bytes: Uint8Array): Promise<void> {
		const size = Buffer.from(`${bytes.byteLength.toString(16)}\r\n`);
		await this.sendRaw(Buffer.concat([size, bytes, Buffer.from('\r\n')]));
	}

	/** Ends the body. */
	async finish(): Promise<void> {
		await this.sendRaw(Buffer.from('0\r\n\r\n'));
	}

	/** Sends bytes as they are. */
	async sendRaw(bytes: Uint8Array): Promise<void> {
		// A server that has refused the body closes the connection; its response is what counts.
		await new Promise<void>((resolve) => this.socket.write(bytes, () => resolve()));
	}

	/** Resolves with the first acknowledgement that matches; rejects where the connection ends without it. */
	async ack(matches: (ack: ReceivedAck) => boolean): Promise<ReceivedAck> {
		for (;;) {
			const found = this.acks.find(matches);
			if (found !== undefined) return found;
			if (this.socket.readableEnded || this.socket.destroyed) {
				throw new Error(`no such acknowledgement among ${JSON.stringify(this.acks)} after ${this.head}`);
			}
			await this.#change();
		}
	}

	/** Resolves with the head of the response. */
	async responded(): Promise<string> {
		while (this.head === '' && !this.socket.destroyed && !this.socket.readableEnded) await this.#change();
		return this.head;
	}

	/** Sends a whole body, waits for the end of the response, and returns the acknowledgements. */
	async put(body: Uint8Array): Promise<readonly ReceivedAck[]> {
		if (body.byteLength > 0) await this.send(body);
		await this.finish();
		await this.ended;
		return this.acks;
	}

	async #change(): Promise<void> {
		await new Promise<void>((resolve) => {
			this.#wake = resolve;
		});
	}

	#take(text: string): void {
		this.#received += text;
		if (this.head === '') {
			const end = this.#received.indexOf('\r\n\r\n');
			if (end < 0) return;
			const head = this.#received.slice(0, end);
			this.#received = this.#received.slice(end + 4);
			if (!head.startsWith('HTTP/1.1 100')) this.head = head;
			else if (this.#received !== '') this.#take('');
			if (this.head === '') return;
		}
		for (;;) {
			const line = this.#received.indexOf('\r\n');
			if (line < 0) break;
			const size = Number.parseInt(this.#received.slice(0, line), 16);
			if (this.#received.length < line + 2 + size + 2) break;
			const chunk = this.#received.slice(line + 2, line + 2 + size);
			this.#received = this.#received.slice(line + 2 + size + 2);
			this.chunks.push(chunk);
			if (chunk === '') this.#end();
			for (const ack of chunk.split('\n')) if (ack !== '') this.acks.push(JSON.parse(ack));
		}
		this.#wake();
	}
}
