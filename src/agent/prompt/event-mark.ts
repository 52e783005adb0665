/** Begins every line in which the gateway itself speaks to the model; nobody else's text can begin with it. */
export const EVENT_MARK = '[signalbox]';
