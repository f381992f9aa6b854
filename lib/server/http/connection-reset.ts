/** Thrown by a body that is sent as it comes: the connection is to be reset, when all that it gave before is sent. */
export class ConnectionReset extends Error {
	override name = 'ConnectionReset';
}
