/* Entry of the program. */
#include <stdio.h>

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("floe " FLOE_VERSION);
    return 0;
}
