"""What happens with inputs that are broken: a catalogue that tests run and a page is made from."""
