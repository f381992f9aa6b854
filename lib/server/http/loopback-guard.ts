import type { AddressInfo, Server } from 'node:net';
import { InvalidOptionError } from '../../errors.js';

/**
 * Keeps a server that asks nobody who he is on this machine: where it has come to listen anywhere else, it is closed
 * before it takes its first connection, and emits an `InvalidOptionError`.
 */
export function keepOnLoopback(server: Server): void {
	// Before any listener of the caller's, who is not to hear of an address that is given up.
	server.prependListener('listening', () => {
		const address = server.address() as AddressInfo | string | null;
		if (address === null || typeof address === 'string' || isLoopbackAddress(address.address)) return;
		server.close();
		const expected = 'a loopback address, as anybody else could read everything; or `credentials` given';
		server.emit('error', new InvalidOptionError('host', expected, address.address));
	});
}

/** Whether a numeric address is this machine's alone. */
export function isLoopbackAddress(address: string): boolean {
	return address === '::1' || /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/i.test(address);
}
