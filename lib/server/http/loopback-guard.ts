import type { AddressInfo, Server } from 'node:net';
import { InvalidOptionError } from '../../errors.js';
import { isLoopbackAddress } from '../../loopback/loopback-address.js';

/**
 * Keeps an unauthenticated server on loopback: where it listens on any other address, it is closed before it accepts its
 * first connection, and emits an `InvalidOptionError`.
 */
export function keepOnLoopback(server: Server): void {
	// Before the caller's listeners, which must not see an address that is closed at once.
	server.prependListener('listening', () => {
		const address = server.address() as AddressInfo | string | null;
		if (address === null || typeof address === 'string' || isLoopbackAddress(address.address)) return;
		server.close();
		const expected =
			'a loopback address unless `credentials` are given: without them anyone could read the archive';
		server.emit('error', new InvalidOptionError('host', expected, address.address));
	});
}
